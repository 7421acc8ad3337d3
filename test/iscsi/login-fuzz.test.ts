import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { Texts } from "../../src/iscsi/discovery.ts";
import { writeText } from "../../src/iscsi/keys.ts";
import type { LoginStep } from "../../src/iscsi/login.ts";
import { NO_TAG, Opcode } from "../../src/iscsi/pdus/header.ts";
import type { LoginRequest } from "../../src/iscsi/pdus/login.ts";
import { DEFAULT_PARAMETERS } from "../../src/iscsi/rules.ts";
import { ISCSI_LOGIN_REQUESTS_MAX } from "../../src/limits.ts";
import { SeededRandom } from "../sim/random.ts";
import {
  INITIATOR,
  loginRequest,
  NamedTargets,
  newLogin,
  pairsOf,
  statusOf,
  TARGET,
  WHO,
} from "./logins.ts";

/** Whole logins; each request of them is a place to go astray. */
const security = { csg: 0, nsg: 0, transit: false };
const proof = { CHAP_N: "sidus1", CHAP_R: "0x5ec8b7cd798b928901aa7ed794a50dcf" };
const operational = {
  HeaderDigest: "CRC32C,None",
  InitialR2T: "No",
  MaxBurstLength: "16776192",
  FirstBurstLength: "0x40000",
  MaxRecvDataSegmentLength: "262144",
  DefaultTime2Wait: "2",
};
const conversations: readonly (readonly LoginRequest[])[] = [
  [loginRequest({ ...WHO, ...operational })],
  [loginRequest({ InitiatorName: INITIATOR, SessionType: "Discovery", ...operational })],
  [
    loginRequest({ ...WHO, AuthMethod: "CHAP,None" }, security),
    loginRequest({ CHAP_A: "7,5" }, security),
    loginRequest({ ...proof, CHAP_I: "1", CHAP_C: "0x0102" }, { csg: 0, nsg: 1 }),
    loginRequest({ ...WHO, ...operational }, { transit: false, nsg: 0 }),
    loginRequest({ "X-com.example": "1" }),
  ],
];

const words = [
  "InitiatorName",
  "TargetName",
  "SessionType=Discovery\0",
  "AuthMethod=CHAP\0",
  "CHAP_A=5\0",
  "CHAP_R=0b",
  "=",
  "\0",
  ",",
  "0x",
  "None",
  "CRC32C",
  "Yes",
  "NotUnderstood",
  "SendTargets=All\0",
  "MaxBurstLength=",
  "MaxRecvDataSegmentLength=512\0",
  "99999999999999999999",
  "__proto__=1\0",
  "\u00e4",
  "\ud7ff",
];

/** Keys and values are changed as words, and as bytes. */
function mutated(data: Uint8Array, random: SeededRandom): Uint8Array {
  let bytes = Buffer.from(data);
  for (let left = random.below(4); left > 0; left -= 1) {
    const at = random.below(bytes.length + 1);
    const to = at + random.below(bytes.length - at + 1);
    const word = Buffer.from(words[random.below(words.length)] ?? "");
    switch (random.below(5)) {
      case 0:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          random.bytes(random.below(8)),
          bytes.subarray(at),
        ]);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(to)]);
        break;
      case 3:
        bytes = bytes.subarray(0, at);
        break;
      default:
        bytes = Buffer.concat([bytes, bytes.subarray(at, to)]);
    }
  }
  return Uint8Array.from(bytes);
}

function astray(request: LoginRequest, random: SeededRandom): LoginRequest {
  const isHeader = random.chance(0.2);
  return {
    ...request,
    data: random.chance(0.5) ? mutated(request.data, random) : request.data.slice(),
    ...(isHeader && {
      transit: random.chance(0.5),
      continues: random.chance(0.3),
      csg: random.below(4),
      nsg: random.below(4),
      tsih: random.chance(0.2) ? random.below(3) : 0,
      versionMin: random.chance(0.1) ? random.below(256) : 0,
    }),
  };
}

const chap = { user: "sidus1", secret: "secret-of-sidus1", mutual: { user: "t", secret: "other" } };

/** Goes on until the login ends, as a connection would. */
async function converse(random: SeededRandom, targets: NamedTargets): Promise<LoginStep[]> {
  const login = newLogin({ targets, sessions: [1] });
  const conversation = conversations[random.below(conversations.length)] ?? [];
  const steps: LoginStep[] = [];
  for (const request of conversation) {
    const step = await login.receive(astray(request, random));
    steps.push(step);
    if (step.failure !== undefined || step.established !== undefined) break;
  }
  login.close();
  return steps;
}

describe("hostile logins", () => {
  test("mutations at every stage: a status of RFC 7143 §11.13.5, and nothing stays open", async () => {
    const seen = new Set<number>();
    let established = 0;
    for (let seed = 0; seed < 4000; seed += 1) {
      const random = new SeededRandom(seed);
      const demanded = random.chance(0.5) ? chap : undefined;
      const targets = new NamedTargets({ [TARGET]: demanded });
      for (const step of await converse(random, targets)) {
        seen.add(statusOf(step));
        expect(step.response.data.length, `seed ${seed}`).toBeLessThanOrEqual(8192);
        pairsOf(step.response.data);
        if (step.established === undefined) continue;
        established += 1;
        const { firstBurstLength, maxBurstLength } = step.established.parameters;
        expect(firstBurstLength, `seed ${seed}`).toBeLessThanOrEqual(maxBurstLength);
        await step.established.opened?.[Symbol.asyncDispose]();
      }
      expect(targets.closed, `seed ${seed}`).toEqual(targets.opened);
    }
    expect([...seen].sort().map((status) => status.toString(16))).toEqual(
      ["0", "200", "201", "203", "205", "206", "207", "209", "20a"].sort(),
    );
    expect(established).toBeGreaterThan(500);
  });

  test("without the secret nobody gets in, whatever is sent", async () => {
    const wrong = { ...chap, secret: "another" };
    for (let seed = 0; seed < 1500; seed += 1) {
      const targets = new NamedTargets({ [TARGET]: wrong });
      const steps = await converse(new SeededRandom(seed), targets);
      const inside = steps.filter((step) => step.established?.opened !== undefined);
      expect(inside, `seed ${seed}`).toEqual([]);
    }
  });

  test("every truncation of a request is answered", async () => {
    const whole = loginRequest({ ...WHO, ...operational });
    for (let length = 0; length < whole.data.length; length += 1) {
      const login = newLogin();
      const step = await login.receive({ ...whole, data: whole.data.slice(0, length) });
      expect(step.established === undefined || step.failure === undefined).toBe(true);
    }
  });

  test("bounded: however long it goes on, a login ends", async () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 50; round += 1) {
      const login = newLogin();
      let requests = 0;
      for (let step: LoginStep | undefined; step?.failure === undefined; requests += 1) {
        const data = random.chance(0.5) ? new Uint8Array(0) : new Uint8Array(random.below(300));
        const continues = random.chance(0.5);
        step = await login.receive({ ...loginRequest(WHO), transit: false, continues, data });
      }
      expect(requests).toBeLessThanOrEqual(ISCSI_LOGIN_REQUESTS_MAX + 1);
    }
  });
});

describe("hostile texts in the full feature phase", () => {
  test("mutations: an answer that fits, or a rejection", async () => {
    const names = Array.from({ length: 30 }, (_, at) => [`iqn.x:${at}`, undefined]);
    const targets = new NamedTargets(Object.fromEntries(names));
    for (let seed = 0; seed < 1500; seed += 1) {
      const random = new SeededRandom(seed);
      const texts = new Texts({
        targets,
        initiator: { name: INITIATOR, address: LOOPBACK_ADDRESS },
        portal: { address: LOOPBACK_ADDRESS, port: 3260 },
        targetName: random.chance(0.5) ? TARGET : undefined,
        parameters: { ...DEFAULT_PARAMETERS, peerMaxRecvDataSegmentLength: 512 },
      });
      let tag = NO_TAG;
      for (let left = 6; left > 0; left -= 1) {
        const text = writeText([
          ["SendTargets", "All"],
          ["MaxRecvDataSegmentLength", "1024"],
        ]);
        const step = await texts.receive({
          opcode: Opcode.TEXT_REQUEST,
          immediate: true,
          final: random.chance(0.7),
          continues: random.chance(0.2),
          lun: 0n,
          initiatorTaskTag: 1,
          targetTransferTag: random.chance(0.8) ? tag : random.below(3),
          cmdSn: 1,
          expStatSn: 1,
          data: random.chance(0.5) ? new Uint8Array(0) : mutated(text, random),
        });
        tag = "response" in step ? step.response.targetTransferTag : NO_TAG;
        if ("reject" in step) continue;
        expect(step.response.data.length, `seed ${seed}`).toBeLessThanOrEqual(1024);
        expect(step.response.final).toBe(tag === NO_TAG);
      }
    }
  });
});
