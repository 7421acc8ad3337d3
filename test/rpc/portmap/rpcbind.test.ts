import { describe, expect, test } from "vitest";
import { ANY_ADDRESS, parseIpv4 } from "../../../src/bytes/ipv4.ts";
import { callBytes, Out } from "../../nfs/client.ts";
import { askPortmapper, EPOCH_MS, listOf, rpcb } from "./asking.ts";

const mappings = [
  { program: 100_003, version: 3, port: 2049 },
  { program: 100_005, version: 3, port: 20_048 },
];
const address = parseIpv4("10.13.20.1");
if (address === undefined) throw new Error("no address");
const tcp = askPortmapper({ address, mappings });
const udp = askPortmapper({ address, mappings, netid: "udp" });
const anywhere = askPortmapper({ address: ANY_ADDRESS, mappings });

async function text(from: typeof tcp, version: number, procedure: number, args: Out) {
  const results = await from.results(version, procedure, args);
  const found = results.text();
  results.end();
  return found;
}

describe.each([3, 4])("RFC 1833 §2: rpcbind version %i", (version) => {
  const GETADDR = 3;

  test("GETADDR: a universal address, h1.h2.h3.h4.p1.p2", async () => {
    expect(await text(tcp, version, GETADDR, rpcb(100_003, 3))).toBe("10.13.20.1.8.1");
    expect(await text(tcp, version, GETADDR, rpcb(100_005, 3))).toBe("10.13.20.1.78.80");
    expect(await text(tcp, version, GETADDR, rpcb(100_000, 4))).toBe("10.13.20.1.0.111");
  });

  test("GETADDR: empty for what is not here", async () => {
    expect(await text(tcp, version, GETADDR, rpcb(100_021, 4))).toBe("");
    expect(await text(tcp, version, GETADDR, rpcb(0, 0))).toBe("");
  });

  test("GETADDR: of a version that is not here, the address where others are", async () => {
    expect(await text(tcp, version, GETADDR, rpcb(100_003, 0))).toBe("10.13.20.1.8.1");
  });

  test("GETADDR: r_netid is ignored, the transport of the call counts", async () => {
    expect(await text(tcp, version, GETADDR, rpcb(100_003, 3, "udp"))).toBe("10.13.20.1.8.1");
    expect(await text(tcp, version, GETADDR, rpcb(100_003, 3, ""))).toBe("10.13.20.1.8.1");
    expect(await text(udp, version, GETADDR, rpcb(100_003, 3, "tcp"))).toBe("");
    expect(await text(udp, version, GETADDR, rpcb(100_003, 3, "udp"))).toBe("");
    expect(await text(udp, version, GETADDR, rpcb(100_000, 4, "udp"))).toBe("10.13.20.1.0.111");
  });

  test("GETADDR: only a server at every address believes where the client reaches it", async () => {
    const asked = (hint: string) => rpcb(100_003, 3, "tcp", hint);
    expect(await text(tcp, version, GETADDR, asked("192.0.2.9.0.111"))).toBe("10.13.20.1.8.1");
    expect(await text(anywhere, version, GETADDR, asked("192.0.2.9.0.111"))).toBe("192.0.2.9.8.1");
    for (const hint of ["", "192.0.2.9", "192.0.2.9.0.256", "192.0.2.999.0.1", "::1.0.111", "x"]) {
      expect(await text(anywhere, version, GETADDR, asked(hint))).toBe("0.0.0.0.8.1");
    }
  });

  test("DUMP lists all, itself at both transports too", async () => {
    const found = listOf(await tcp.results(version, 4), (item) =>
      [item.u32(), item.u32(), item.text(), item.text(), item.text()].join(" "),
    );
    expect(found).toEqual([
      "100000 4 tcp 10.13.20.1.0.111 sidus",
      "100000 3 tcp 10.13.20.1.0.111 sidus",
      "100000 2 tcp 10.13.20.1.0.111 sidus",
      "100000 4 udp 10.13.20.1.0.111 sidus",
      "100000 3 udp 10.13.20.1.0.111 sidus",
      "100000 2 udp 10.13.20.1.0.111 sidus",
      "100003 3 tcp 10.13.20.1.8.1 sidus",
      "100005 3 tcp 10.13.20.1.78.80 sidus",
    ]);
  });

  test("NULL answers; GETTIME is the time in seconds; SET and UNSET are FALSE", async () => {
    (await tcp.results(version, 0)).end();
    const time = await tcp.results(version, 6);
    expect(time.u32()).toBe(Math.floor(EPOCH_MS / 1000));
    time.end();
    const binding = rpcb(200_000, 1, "tcp", "10.13.20.1.1.1");
    expect((await tcp.results(version, 1, binding)).bool()).toBe(false);
    expect((await tcp.results(version, 2, binding)).bool()).toBe(false);
    expect(await text(tcp, version, GETADDR, rpcb(200_000, 1))).toBe("");
  });

  test("calls for others, conversions and statistics are PROC_UNAVAIL", async () => {
    for (const procedure of [5, 7, 8, 10, 12, 13, 0xffff_ffff]) {
      expect(await tcp.ask(version, procedure, rpcb(100_003, 3))).toMatchObject({ accepted: 3 });
    }
  });

  test("arguments too short, too long or unbounded are GARBAGE_ARGS", async () => {
    const whole = rpcb(100_003, 3).bytes();
    for (let length = 0; length < whole.length; length += 1) {
      const reply = await tcp.ask(version, GETADDR, new Out().raw(whole.subarray(0, length)));
      expect(reply).toMatchObject({ accepted: 4 });
    }
    const longer = new Out().raw(whole).u32(0);
    expect(await tcp.ask(version, GETADDR, longer)).toMatchObject({ accepted: 4 });
    const endless = rpcb(100_003, 3, "t".repeat(256));
    expect(await tcp.ask(version, GETADDR, endless)).toMatchObject({ accepted: 4 });
    for (const procedure of [0, 4, 6]) {
      const reply = await tcp.ask(version, procedure, new Out().u32(0));
      expect(reply).toMatchObject({ accepted: 4 });
    }
  });
});

describe("RFC 1833 §2.2.2: what version 4 adds", () => {
  test("GETVERSADDR: empty where that very version is not here", async () => {
    expect(await text(tcp, 4, 9, rpcb(100_003, 3))).toBe("10.13.20.1.8.1");
    expect(await text(tcp, 4, 9, rpcb(100_003, 4))).toBe("");
    expect(await tcp.ask(3, 9, rpcb(100_003, 3))).toMatchObject({ accepted: 3 });
  });

  test("GETADDRLIST: every transport of a version, whichever was asked on", async () => {
    const list = async (program: number, version: number) =>
      listOf(await udp.results(4, 11, rpcb(program, version)), (item) =>
        [item.text(), item.text(), item.u32(), item.text(), item.text()].join(" "),
      );
    expect(await list(100_000, 4)).toEqual([
      "10.13.20.1.0.111 tcp 3 inet tcp",
      "10.13.20.1.0.111 udp 1 inet udp",
    ]);
    expect(await list(100_003, 3)).toEqual(["10.13.20.1.8.1 tcp 3 inet tcp"]);
    expect(await list(100_003, 4)).toEqual([]);
    expect(await tcp.ask(3, 11, rpcb(100_003, 3))).toMatchObject({ accepted: 3 });
  });
});

test("a GETADDR as Linux sends it gets these very bytes", async () => {
  const call = callBytes(
    0x1234_5678,
    { program: 100_000, version: 4, procedure: 3, caller: "nobody" },
    rpcb(100_003, 3, "tcp", "10.13.20.1.0.111").bytes(),
  );
  // mark | xid | REPLY | accepted | AUTH_NONE, 0 | SUCCESS | 14, "10.13.20.1.8.1", two bytes of padding
  const expected =
    "8000002c 12345678 00000001 00000000 00000000 00000000 00000000 0000000e 31302e31 332e3230 2e312e38 2e310000";
  const reply = await tcp.answer(call.subarray(4));
  expect(reply.toString("hex")).toBe(expected.replaceAll(" ", ""));
});
