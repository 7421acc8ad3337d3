import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import {
  type TextAnswer,
  type TextOptions,
  type TextStep,
  Texts,
} from "../../src/iscsi/discovery.ts";
import { writeText } from "../../src/iscsi/keys.ts";
import { NO_TAG, Opcode } from "../../src/iscsi/pdus/header.ts";
import type { TextRequest } from "../../src/iscsi/pdus/text.ts";
import { DEFAULT_PARAMETERS } from "../../src/iscsi/rules.ts";
import { INITIATOR, keysOf, NamedTargets, TARGET } from "./logins.ts";

const OTHER = "iqn.2013-04.zone.sidus.target:sidus2";

function texts(options: Partial<TextOptions> = {}): Texts {
  return new Texts({
    targets: new NamedTargets({ [TARGET]: undefined, [OTHER]: undefined }),
    initiator: { name: INITIATOR, address: LOOPBACK_ADDRESS },
    portal: { address: LOOPBACK_ADDRESS, port: 3260 },
    targetName: undefined,
    parameters: { ...DEFAULT_PARAMETERS, isDiscovery: true },
    ...options,
  });
}

function request(
  keys: Readonly<Record<string, string>> | Uint8Array,
  header: Partial<TextRequest> = {},
): TextRequest {
  return {
    opcode: Opcode.TEXT_REQUEST,
    immediate: false,
    final: true,
    continues: false,
    lun: 0n,
    initiatorTaskTag: 9,
    targetTransferTag: NO_TAG,
    cmdSn: 1,
    expStatSn: 1,
    data: keys instanceof Uint8Array ? keys : writeText(Object.entries(keys)),
    ...header,
  };
}

function responseOf(step: TextStep): TextAnswer {
  if ("reject" in step) throw new Error(`rejected: ${step.reject}`);
  return step.response;
}

const ask = async (own: Texts, asked: TextRequest): Promise<TextAnswer> =>
  responseOf(await own.receive(asked));

const textOf = (answer: TextAnswer): string => new TextDecoder().decode(answer.data);

const EMPTY = new Uint8Array(0);

describe("RFC 7143 appendix C, SendTargets", () => {
  test("All: every target with its address and portal group", async () => {
    const answer = await ask(texts(), request({ SendTargets: "All" }));
    expect(textOf(answer)).toBe(
      `TargetName=${TARGET}\0TargetAddress=127.0.0.1:3260,1\0` +
        `TargetName=${OTHER}\0TargetAddress=127.0.0.1:3260,1\0`,
    );
    expect(answer).toMatchObject({
      final: true,
      continues: false,
      initiatorTaskTag: 9,
      targetTransferTag: NO_TAG,
    });
  });

  test("a list that takes time", async () => {
    const targets = new NamedTargets({ [TARGET]: undefined });
    const late = { find: targets.find.bind(targets), list: async () => targets.list() };
    const answer = await ask(texts({ targets: late }), request({ SendTargets: "All" }));
    expect(keysOf({ response: answer })).toMatchObject({ TargetName: TARGET });
  });

  test("one of them by name; one that is not there: no records", async () => {
    const one = await ask(texts(), request({ SendTargets: OTHER }));
    expect(keysOf({ response: one })).toEqual({
      TargetName: OTHER,
      TargetAddress: "127.0.0.1:3260,1",
    });
    const none = await ask(texts(), request({ SendTargets: "iqn.x:y" }));
    expect(none).toMatchObject({ final: true, data: EMPTY });
  });

  test("a session with a target asks for its own, by name or with nothing", async () => {
    for (const wanted of ["", TARGET]) {
      const answer = await ask(texts({ targetName: TARGET }), request({ SendTargets: wanted }));
      expect(keysOf({ response: answer })).toHaveProperty("TargetName", TARGET);
    }
  });

  test("what is not for a session is rejected in the text: All in a normal one, nothing in a discovery", async () => {
    const rejected = { SendTargets: "Reject" };
    for (const wanted of ["All", OTHER]) {
      const answer = await ask(texts({ targetName: TARGET }), request({ SendTargets: wanted }));
      expect(keysOf({ response: answer })).toEqual(rejected);
    }
    const nothing = await ask(texts(), request({ SendTargets: "" }));
    expect(keysOf({ response: nothing })).toEqual(rejected);
  });

  test("a long list goes on over several responses, as the initiator takes them", async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `iqn.2013-04.zone.sidus.target:n${at}`);
    const targets = new NamedTargets(Object.fromEntries(names.map((name) => [name, undefined])));
    const peerMaxRecvDataSegmentLength = 1000;
    const parameters = { ...DEFAULT_PARAMETERS, isDiscovery: true, peerMaxRecvDataSegmentLength };
    const own = texts({ targets, parameters });
    const answers = [await ask(own, request({ SendTargets: "All" }))];
    for (let last = answers[0]; last?.continues; last = answers.at(-1)) {
      expect(last.final).toBe(false);
      expect(last.targetTransferTag).not.toBe(NO_TAG);
      expect(last.data.length).toBeLessThanOrEqual(1000);
      const { targetTransferTag } = last;
      answers.push(await ask(own, request(EMPTY, { targetTransferTag })));
    }
    expect(answers.at(-1)).toMatchObject({ final: true, targetTransferTag: NO_TAG });
    const all = answers.map(textOf).join("");
    expect([...all.matchAll(/TargetName=([^\0]+)/g)].map((match) => match[1])).toEqual(names);
  });
});

describe("RFC 7143 §11.10 text requests", () => {
  test("another MaxRecvDataSegmentLength holds for what is sent after the response", async () => {
    const own = texts({ targetName: TARGET });
    const answer = await ask(own, request({ MaxRecvDataSegmentLength: "65536" }));
    expect(answer).toMatchObject({ final: true, data: EMPTY });
    expect(own.parameters.peerMaxRecvDataSegmentLength).toBe(65_536);
  });

  test("an exchange that goes on is kept together by its tag; it ends where both are done", async () => {
    const own = texts({ targetName: TARGET });
    const first = await ask(own, request({ "X-a": "1" }, { final: false }));
    expect(first).toMatchObject({ final: false, continues: false });
    expect(own.parameters).toEqual({ ...DEFAULT_PARAMETERS, isDiscovery: true });
    const { targetTransferTag } = first;
    const second = await ask(own, request({ "X-b": "1" }, { targetTransferTag }));
    expect(keysOf({ response: second })).toEqual({ "X-b": "NotUnderstood" });
    expect(second).toMatchObject({ final: true, targetTransferTag: NO_TAG });
    expect(await own.receive(request(EMPTY, { targetTransferTag }))).toEqual({ reject: 0x04 });
  });

  test("a text in parts is answered when it is whole", async () => {
    const own = texts();
    const text = writeText([["SendTargets", "All"]]);
    const part = { final: false, continues: true };
    const first = await ask(own, request(text.subarray(0, 5), part));
    expect(first).toMatchObject({ final: false, continues: false, data: EMPTY });
    const { targetTransferTag } = first;
    const whole = await ask(own, request(text.subarray(5), { targetTransferTag }));
    expect(textOf(whole)).toContain(`TargetName=${OTHER}\0`);
  });

  test.each<[string, TextRequest]>([
    ["a tag that was not given", request(EMPTY, { targetTransferTag: 3 })],
    ["final, and going on", request(EMPTY, { continues: true })],
    ["no text", request(Uint8Array.of(1, 2, 3))],
    ["a declaration that cannot stand", request({ MaxRecvDataSegmentLength: "1" })],
  ])("rejected as a protocol error: %s", async (_, asked) => {
    expect(await texts().receive(asked)).toEqual({ reject: 0x04 });
  });

  test("rejected: another task's tag, or a text where an answer goes on", async () => {
    const parameters = {
      ...DEFAULT_PARAMETERS,
      isDiscovery: true,
      peerMaxRecvDataSegmentLength: 512,
    };
    const names = Array.from({ length: 20 }, (_, at) => [`iqn.x:${at}`, undefined]);
    const targets = new NamedTargets(Object.fromEntries(names));
    for (const wrong of [{ initiatorTaskTag: 10 }, { data: Uint8Array.of(0) }]) {
      const own = texts({ parameters, targets });
      const { targetTransferTag } = await ask(own, request({ SendTargets: "All" }));
      expect(await own.receive(request(EMPTY, { targetTransferTag, ...wrong }))).toEqual({
        reject: 0x04,
      });
    }
  });

  test("bounded: parts of a text without end", async () => {
    const own = texts();
    let tag = NO_TAG;
    const sent: TextStep[] = [];
    for (let left = 4; left > 0; left -= 1) {
      const part = { final: false, continues: true, targetTransferTag: tag };
      const step = await own.receive(request(new Uint8Array(5000), part));
      sent.push(step);
      if ("response" in step) tag = step.response.targetTransferTag;
    }
    expect(sent.at(-1)).toEqual({ reject: 0x04 });
  });
});
