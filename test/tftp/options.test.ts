import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { negotiate } from "../../src/tftp/options.ts";
import { decode, encode, Opcode, type Option } from "../../src/tftp/packet.ts";
import { bootCaptures } from "../captures.ts";
import { tftpFrames } from "./datagrams.ts";

const option = (text: string): Option => {
  const [name = "", value = ""] = text.split("=");
  return { name, value };
};
const agreed = (asked: readonly string[], size: number | undefined = 1000): string[] =>
  negotiate(asked.map(option), size).accepted.map(({ name, value }) => `${name}=${value}`);

describe("RFC 2347: option negotiation", () => {
  test("without options there is nothing to acknowledge, and RFC 1350 holds", () => {
    expect(negotiate([], 1000)).toEqual({
      blockBytes: 512,
      windowBlocks: 1,
      timeoutMs: undefined,
      accepted: [],
    });
  });

  test("the OACK keeps the order and the spelling of the request", () => {
    expect(agreed(["windowsize=4", "TSIZE=0", "BlkSize=1024", "timeout=3"])).toEqual([
      "windowsize=4",
      "TSIZE=1000",
      "BlkSize=1024",
      "timeout=3",
    ]);
  });

  test("unknown options are left out, and an option counts once", () => {
    expect(agreed(["multicast=", "blksize=600", "x=y", "blksize=700"])).toEqual(["blksize=600"]);
  });

  test.each([
    ["blksize=7", []],
    ["blksize=8", ["blksize=8"]],
    ["blksize=1468", ["blksize=1468"]],
    ["blksize=1469", ["blksize=1468"]],
    ["blksize=65464", ["blksize=1468"]],
    ["blksize=99999999999999999999", []],
    ["timeout=0", []],
    ["timeout=1", ["timeout=1"]],
    ["timeout=255", ["timeout=255"]],
    ["timeout=256", []],
    ["windowsize=0", []],
    ["windowsize=1", ["windowsize=1"]],
    ["windowsize=64", ["windowsize=64"]],
    ["windowsize=65535", ["windowsize=64"]],
    ["tsize=0", ["tsize=1000"]],
    ["tsize=", []],
    ["blksize=-8", []],
    ["blksize=0x200", []],
    ["blksize= 512", []],
    ["blksize=512.5", []],
  ])("%s is answered by %j", (asked, answer) => {
    expect(agreed([asked])).toEqual(answer);
  });

  test("tsize is left out where the size on the wire is not known before (netascii)", () => {
    expect(negotiate([option("tsize=0")], undefined).accepted).toEqual([]);
  });

  test("RFC 2349: a timeout that was agreed holds for every wait", () => {
    expect(negotiate([option("timeout=7")], 1).timeoutMs).toBe(7000);
  });

  test("what firmware and loaders ask is answered with the captured OACK, but for windowsize, which that server lacks", () => {
    let compared = 0;
    for (const frames of bootCaptures.map(tftpFrames)) {
      for (const [index, frame] of frames.entries()) {
        const request = decode(frame.bytes);
        const answer = frames.slice(index + 1).find(({ to }) => to.port === frame.from.port);
        if (isMalformed(request) || request.opcode !== Opcode.RRQ || answer === undefined) continue;
        const oack = decode(answer.bytes);
        if (isMalformed(oack) || oack.opcode !== Opcode.OACK) continue;
        const size = Number(oack.options.find(({ name }) => name === "tsize")?.value ?? 0);
        const options = negotiate(request.options, size).accepted;
        const known = options.filter(({ name }) => name !== "windowsize");
        // dnsmasq has an order of its own: its OACKs say blksize first.
        const sorted = [...known].sort((a, b) => (a.name < b.name ? -1 : 1));
        expect(encode({ opcode: Opcode.OACK, options: sorted })).toEqual(answer.bytes);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(50);
  });
});
