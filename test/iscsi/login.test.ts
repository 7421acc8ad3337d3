import { describe, expect, test } from "vitest";
import type { LoginStep } from "../../src/iscsi/login.ts";
import type { LoginRequest } from "../../src/iscsi/pdus/login.ts";
import type { Targets } from "../../src/iscsi/target.ts";
import {
  counting,
  INITIATOR,
  keysOf,
  type LoginSettings,
  loginRequest,
  NamedTargets,
  newLogin,
  rawRequest,
  statusOf,
  TARGET,
  WHO,
} from "./logins.ts";

/** To the operational stage. */
const SECURITY = { csg: 0, nsg: 1 };
const STAY = { transit: false, nsg: 0 };

const chap = {
  user: "sidus1",
  secret: "secret-of-sidus1",
  mutual: { user: "target", secret: "secret-of-target" },
};
/** Of chap.test.ts, where each comes from. */
const MD5_RESPONSE = "0x5ec8b7cd798b928901aa7ed794a50dcf";

async function steps(settings: LoginSettings, ...requests: LoginRequest[]): Promise<LoginStep[]> {
  const login = newLogin(settings);
  const answers: LoginStep[] = [];
  for (const request of requests) answers.push(await login.receive(request));
  return answers;
}

async function last(settings: LoginSettings, ...requests: LoginRequest[]): Promise<LoginStep> {
  const answer = (await steps(settings, ...requests)).at(-1);
  if (answer === undefined) throw new Error("no requests");
  return answer;
}

describe("RFC 7143 §6.3 login", () => {
  test("one request, without security, as Linux sends it", async () => {
    const targets = new NamedTargets({ [TARGET]: undefined });
    const step = await last(
      { targets },
      loginRequest({ ...WHO, HeaderDigest: "None,CRC32C", InitialR2T: "No" }),
    );
    expect(step.response).toMatchObject({
      transit: true,
      continues: false,
      csg: 1,
      nsg: 3,
      statusClass: 0,
      statusDetail: 0,
      isid: "00023d000001",
      tsih: 0,
      initiatorTaskTag: 7,
    });
    expect(keysOf(step)).toEqual({
      TargetPortalGroupTag: "1",
      HeaderDigest: "None",
      InitialR2T: "No",
      MaxRecvDataSegmentLength: "262144",
    });
    expect(step.established).toMatchObject({
      initiatorName: INITIATOR,
      isid: "00023d000001",
      cid: 0,
    });
    expect(step.established?.opened?.target.name).toBe(TARGET);
    expect(targets.closed).toEqual([]);
  });

  test("security stage with None, then the operational one", async () => {
    const [first, second, third] = await steps(
      {},
      loginRequest({ ...WHO, AuthMethod: "CHAP,None" }, { ...SECURITY, ...STAY }),
      loginRequest({}, SECURITY),
      loginRequest({ HeaderDigest: "CRC32C" }),
    );
    expect(first && keysOf(first)).toEqual({ TargetPortalGroupTag: "1", AuthMethod: "None" });
    expect(first?.response).toMatchObject({ transit: false, csg: 0, nsg: 0 });
    expect(second?.response).toMatchObject({ transit: true, csg: 0, nsg: 1 });
    expect(third?.established?.parameters.hasHeaderDigest).toBe(true);
  });

  test("from security to the full feature phase at once: the defaults", async () => {
    const step = await last({}, loginRequest({ ...WHO, AuthMethod: "None" }, { csg: 0, nsg: 3 }));
    expect(step.response).toMatchObject({ transit: true, csg: 0, nsg: 3 });
    expect(step.established?.parameters).toMatchObject({ maxRecvDataSegmentLength: 8192 });
  });

  test("as long as the initiator wants to say more, the stage stays", async () => {
    const [first, second] = await steps(
      {},
      loginRequest({ ...WHO, InitialR2T: "No" }, STAY),
      loginRequest({ ImmediateData: "No" }),
    );
    expect(first?.response).toMatchObject({ transit: false, csg: 1, nsg: 0 });
    expect(second && keysOf(second)).toEqual({ ImmediateData: "No" });
    expect(second?.established?.parameters).toMatchObject({
      initialR2T: false,
      immediateData: false,
    });
  });

  test("without SessionType it is a normal session", async () => {
    const step = await last({}, loginRequest({ InitiatorName: INITIATOR, TargetName: TARGET }));
    expect(step.established?.parameters.isDiscovery).toBe(false);
  });

  test("discovery: no target, no portal group, no CHAP", async () => {
    const targets = new NamedTargets({ [TARGET]: chap });
    const step = await last(
      { targets },
      loginRequest({ InitiatorName: INITIATOR, SessionType: "Discovery", MaxBurstLength: "512" }),
    );
    expect(keysOf(step)).toEqual({
      MaxBurstLength: "Irrelevant",
      MaxRecvDataSegmentLength: "262144",
    });
    expect(step.established).toMatchObject({
      opened: undefined,
      parameters: { isDiscovery: true },
    });
    expect(targets.opened).toEqual([]);
  });

  test("§6.2: a text in parts, of any size, is one text", async () => {
    const { data } = loginRequest({ ...WHO, HeaderDigest: "CRC32C" });
    for (const at of [0, 1, 30, data.length - 1, data.length]) {
      const [part, whole] = await steps(
        {},
        rawRequest(data.slice(0, at), { ...STAY, continues: true }),
        rawRequest(data.slice(at)),
      );
      expect(part?.response).toMatchObject({ transit: false, continues: false, statusClass: 0 });
      expect(part?.response.data).toHaveLength(0);
      expect(whole && keysOf(whole)).toHaveProperty("TargetPortalGroupTag", "1");
      expect(whole?.established?.parameters.hasHeaderDigest).toBe(true);
    }
  });

  test("what is received may be overwritten while the target is opened", async () => {
    const login = newLogin();
    const request = loginRequest(WHO);
    const step = login.receive(request);
    request.data.fill(0xa5);
    expect((await step).established?.initiatorName).toBe(INITIATOR);
  });
});

describe("RFC 7143 §11.13.5 login status", () => {
  const security = loginRequest({ ...WHO, AuthMethod: "None" }, { ...SECURITY, ...STAY });
  const first = loginRequest(WHO, STAY);

  test.each<[string, number, LoginSettings, LoginRequest[]]>([
    ["version 1 at least", 0x0205, {}, [loginRequest(WHO, { versionMin: 1, versionMax: 1 })]],
    ["a session that is not there", 0x020a, {}, [loginRequest(WHO, { tsih: 5 })]],
    ["a second connection", 0x0206, { sessions: [5] }, [loginRequest(WHO, { tsih: 5, cid: 1 })]],
    ["no InitiatorName", 0x0207, {}, [loginRequest({ TargetName: TARGET })]],
    ["no TargetName", 0x0207, {}, [loginRequest({ InitiatorName: INITIATOR })]],
    ["no names, and CHAP", 0x0207, { chap }, [loginRequest({ AuthMethod: "CHAP" }, SECURITY)]],
    ["a name with a space", 0x0200, {}, [loginRequest({ ...WHO, InitiatorName: "a b" })]],
    ["a name with a comma", 0x0200, {}, [loginRequest({ ...WHO, InitiatorName: "iqn.x,i,0x1" })]],
    ["an empty name", 0x0200, {}, [loginRequest({ ...WHO, InitiatorName: "" })]],
    ["a name too long", 0x0200, {}, [loginRequest({ ...WHO, InitiatorName: "i".repeat(224) })]],
    ["an unknown target", 0x0203, {}, [loginRequest({ ...WHO, TargetName: "iqn.x:y" })]],
    ["a target that no name is of", 0x0203, {}, [loginRequest({ ...WHO, TargetName: "" })]],
    ["another's target", 0x0202, {}, [loginRequest({ ...WHO, TargetName: "iqn.x:forbidden" })]],
    ["not now", 0x0301, {}, [loginRequest({ ...WHO, TargetName: "iqn.x:unavailable" })]],
    ["no room", 0x0302, { hasRoom: false }, [loginRequest(WHO)]],
    ["an unknown SessionType", 0x0209, {}, [loginRequest({ ...WHO, SessionType: "Other" })]],
    ["no text", 0x0200, {}, [rawRequest(Uint8Array.of(1, 2, 3))]],
    ["the full feature phase already", 0x0200, {}, [loginRequest(WHO, { csg: 3 })]],
    ["the reserved stage", 0x0200, {}, [loginRequest(WHO, { csg: 2 })]],
    ["to the reserved stage", 0x0200, {}, [loginRequest(WHO, { nsg: 2 })]],
    ["to the same stage", 0x0200, {}, [loginRequest(WHO, { nsg: 1 })]],
    ["backwards", 0x0200, {}, [loginRequest(WHO, { nsg: 0 })]],
    ["on, with the text going on", 0x0200, {}, [loginRequest(WHO, { continues: true })]],
    ["another stage than agreed", 0x0200, {}, [security, loginRequest({})]],
    ["another ISID", 0x0200, {}, [first, loginRequest({}, { isid: "00023d000002" })]],
    ["another connection", 0x0200, {}, [first, loginRequest({}, { cid: 1 })]],
    ["another task tag", 0x0200, {}, [first, loginRequest({}, { initiatorTaskTag: 8 })]],
    ["a TSIH later", 0x020a, {}, [first, loginRequest({}, { tsih: 1 })]],
    [
      "a late SessionType",
      0x0200,
      {},
      [
        loginRequest({ InitiatorName: INITIATOR, TargetName: TARGET }, STAY),
        loginRequest({ SessionType: "Discovery" }),
      ],
    ],
    ["another name", 0x0200, {}, [first, loginRequest({ InitiatorName: "iqn.x:z" })]],
    [
      "a key twice",
      0x0200,
      {},
      [loginRequest({ ...WHO, InitialR2T: "No" }, STAY), loginRequest({ InitialR2T: "No" })],
    ],
    [
      "an operational key too early",
      0x0200,
      {},
      [loginRequest({ ...WHO, HeaderDigest: "None" }, { ...SECURITY, ...STAY })],
    ],
    ["AuthMethod too late", 0x0200, {}, [loginRequest({ ...WHO, AuthMethod: "None" })]],
    ["AuthMethod twice", 0x0200, {}, [security, loginRequest({ AuthMethod: "None" }, SECURITY)]],
    [
      "CHAP only, where there is none",
      0x0201,
      {},
      [loginRequest({ ...WHO, AuthMethod: "CHAP" }, SECURITY)],
    ],
    [
      "CHAP where None was agreed on",
      0x0200,
      {},
      [security, loginRequest({ CHAP_A: "5" }, SECURITY)],
    ],
    ["CHAP demanded, None offered", 0x0201, { chap }, [security]],
    ["CHAP demanded, nothing offered", 0x0201, { chap }, [loginRequest(WHO, SECURITY)]],
    ["CHAP demanded, no security stage", 0x0201, { chap }, [loginRequest(WHO)]],
    [
      "CHAP before it was agreed on",
      0x0200,
      { chap },
      [loginRequest({ ...WHO, CHAP_A: "5" }, { ...SECURITY, ...STAY })],
    ],
  ])("%s: %i", async (_, status, settings, requests) => {
    const step = await last(settings, ...requests);
    expect(statusOf(step).toString(16)).toBe(status.toString(16));
    expect(step.failure).toBeTypeOf("string");
    expect(step.established).toBeUndefined();
    expect(step.response).toMatchObject({ transit: false, nsg: 0 });
    expect(step.response.data).toHaveLength(0);
  });

  test("bounded: parts of a text, and requests of a login", async () => {
    const part = rawRequest(new Uint8Array(8192), { ...STAY, continues: true });
    expect(statusOf(await last({}, part, part))).toBe(0);
    expect(statusOf(await last({}, part, part, part))).toBe(0x0200);
    const idle = Array.from({ length: 40 }, () => loginRequest({}, STAY));
    const all = await steps({}, loginRequest(WHO, STAY), ...idle);
    expect(all.map(statusOf).indexOf(0x0200)).toBe(32);
  });
});

describe("RFC 7143 §12.1.3 login with CHAP", () => {
  const method = loginRequest({ ...WHO, AuthMethod: "CHAP,None" }, { ...SECURITY, ...STAY });
  const algorithm = loginRequest({ CHAP_A: "5" }, { ...SECURITY, ...STAY });
  const response = { CHAP_N: "sidus1", CHAP_R: MD5_RESPONSE };

  test("method, algorithm, response; then the operational stage", async () => {
    const all = await steps(
      { chap },
      method,
      algorithm,
      loginRequest(response, SECURITY),
      // libiscsi says again who it is.
      loginRequest({ ...WHO, HeaderDigest: "None" }),
    );
    expect(all.map(keysOf)).toEqual([
      { TargetPortalGroupTag: "1", AuthMethod: "CHAP" },
      { CHAP_A: "5", CHAP_I: "42", CHAP_C: `0x${counting(16).toHex()}` },
      {},
      { HeaderDigest: "None", MaxRecvDataSegmentLength: "262144" },
    ]);
    expect(all.map((step) => step.response.transit)).toEqual([false, false, true, true]);
    expect(all.at(-1)?.established?.initiatorName).toBe(INITIATOR);
  });

  test("an initiator that always wants to go on is kept until it has proven itself", async () => {
    const eager = { csg: 0, nsg: 3 };
    const all = await steps(
      { chap },
      loginRequest({ ...WHO, AuthMethod: "CHAP" }, eager),
      loginRequest({ CHAP_A: "5" }, eager),
      loginRequest(response, eager),
    );
    expect(all.map((step) => step.response.transit)).toEqual([false, false, true]);
    expect(all.at(-1)?.established).toBeDefined();
  });

  test("mutual: the target proves itself with its own secret", async () => {
    const challenge = Uint8Array.from({ length: 16 }, (_, at) => 255 - at);
    const mutual = { ...response, CHAP_I: "7", CHAP_C: `0x${challenge.toHex()}` };
    const step = await last({ chap }, method, algorithm, loginRequest(mutual, SECURITY));
    expect(keysOf(step)).toEqual({
      CHAP_N: "target",
      CHAP_R: "0xdbbddc0682a52bb2bdbec6b47c059aba",
    });
    expect(step.response.transit).toBe(true);
  });

  test.each([
    ["a wrong response", { ...response, CHAP_R: `0x${"00".repeat(16)}` }],
    ["a wrong name", { ...response, CHAP_N: "sidus2" }],
    ["no response, and on", { CHAP_N: "sidus1" }],
    ["our own challenge back", { ...response, CHAP_I: "42", CHAP_C: `0x${counting(16).toHex()}` }],
  ])("0201h: %s", async (_, keys) => {
    const targets = new NamedTargets({ [TARGET]: chap });
    const step = await last({ targets }, method, algorithm, loginRequest(keys, SECURITY));
    expect(statusOf(step)).toBe(0x0201);
    expect(targets.opened).toEqual([]);
    expect(step.response.data).toHaveLength(0);
  });

  test("no way round: the operational stage is closed before the proof", async () => {
    const operational = loginRequest({});
    expect(statusOf(await last({ chap }, method, operational))).toBe(0x0200);
    const step = await last({ chap }, method, algorithm, loginRequest({}, { csg: 0, nsg: 3 }));
    expect(step).toMatchObject({ established: undefined, response: { transit: false } });
  });
});

describe("a target is opened for who proved itself", () => {
  test("by a login that does not end, or fails, none is", async () => {
    for (const request of [loginRequest(WHO, STAY), loginRequest({ ...WHO, AuthMethod: "x" })]) {
      const targets = new NamedTargets({ [TARGET]: undefined });
      const login = newLogin({ targets });
      await login.receive(request);
      login.close();
      expect(targets).toMatchObject({ opened: [], closed: [] });
    }
  });

  test("a session that took it over keeps it", async () => {
    const targets = new NamedTargets({ [TARGET]: undefined });
    const login = newLogin({ targets });
    const { established } = await login.receive(loginRequest(WHO));
    login.close();
    expect(targets).toMatchObject({ opened: [TARGET], closed: [] });
    await established?.opened?.[Symbol.asyncDispose]();
    expect(targets.closed).toEqual([TARGET]);
  });

  test("the connection ends while it is opened", async () => {
    const targets = new NamedTargets({ [TARGET]: undefined });
    const opening = Promise.withResolvers<void>();
    const late: Targets = {
      list: () => [],
      find: async (name) => opening.promise.then(() => targets.find(name)),
    };
    const login = newLogin({ targets: late });
    const step = login.receive(loginRequest(WHO));
    login.close();
    opening.resolve();
    expect((await step).established).toBeUndefined();
    expect(targets).toMatchObject({ opened: [TARGET], closed: [TARGET] });
  });
});
