import { describe, expect, test } from "vitest";
import { Negotiation } from "../../src/iscsi/negotiation.ts";
import { DEFAULT_PARAMETERS, type Phase } from "../../src/iscsi/rules.ts";

function negotiated(
  offers: Readonly<Record<string, string>>,
  phase: Phase = "operational",
  negotiation = new Negotiation(undefined),
) {
  const answers = negotiation.receive(new Map(Object.entries(offers)), phase);
  return {
    answers: answers instanceof Map ? Object.fromEntries(answers) : answers.malformed,
    parameters: negotiation.parameters,
  };
}

/** One key, in a session with a target. */
const answerTo = (key: string, offer: string): unknown => {
  const { answers } = negotiated({ [key]: offer });
  return typeof answers === "string" ? answers : answers[key];
};

describe("RFC 7143 §13 keys", () => {
  test("§13.12: we declare what we take, once", () => {
    const negotiation = new Negotiation(undefined);
    const first = negotiated({}, "operational", negotiation);
    expect(first.answers).toEqual({ MaxRecvDataSegmentLength: "262144" });
    expect(first.parameters.maxRecvDataSegmentLength).toBe(262_144);
    expect(negotiated({}, "operational", negotiation).answers).toEqual({});
  });

  test("a login that passes the operational stage over has the defaults", () => {
    const { answers, parameters } = negotiated({ SessionType: "Normal" }, "security");
    expect(answers).toEqual({});
    expect(parameters).toEqual(DEFAULT_PARAMETERS);
  });

  test.each([
    ["HeaderDigest", "None", "None"],
    ["HeaderDigest", "CRC32C", "CRC32C"],
    ["HeaderDigest", "None,CRC32C", "None"],
    ["HeaderDigest", "CRC32C,None", "CRC32C"],
    ["DataDigest", "X-com.example.fast,CRC32C", "CRC32C"],
    ["DataDigest", "X-com.example.fast", "Reject"],
    ["DataDigest", "", "Reject"],
    ["MaxConnections", "8", "1"],
    ["MaxConnections", "0", "Reject"],
    ["InitialR2T", "No", "No"],
    ["InitialR2T", "Yes", "Yes"],
    ["InitialR2T", "no", "Reject"],
    ["ImmediateData", "Yes", "Yes"],
    ["ImmediateData", "No", "No"],
    ["MaxBurstLength", "16777215", "16776192"],
    ["MaxBurstLength", "262144", "262144"],
    ["MaxBurstLength", "0x40000", "262144"],
    ["MaxBurstLength", "512", "512"],
    ["MaxBurstLength", "511", "Reject"],
    ["MaxBurstLength", "16777216", "Reject"],
    ["FirstBurstLength", "65536", "65536"],
    ["FirstBurstLength", "262144", "262144"],
    ["FirstBurstLength", "1048576", "262144"],
    ["DefaultTime2Wait", "0", "0"],
    ["DefaultTime2Wait", "2", "2"],
    ["DefaultTime2Wait", "3601", "Reject"],
    ["DefaultTime2Retain", "20", "0"],
    ["MaxOutstandingR2T", "1", "1"],
    ["MaxOutstandingR2T", "65535", "8"],
    ["DataPDUInOrder", "No", "Yes"],
    ["DataSequenceInOrder", "Yes", "Yes"],
    ["DataSequenceInOrder", "Maybe", "Reject"],
    ["ErrorRecoveryLevel", "2", "0"],
    ["ErrorRecoveryLevel", "3", "Reject"],
    ["TaskReporting", "FastAbort,ResponseFence,RFC3720", "RFC3720"],
    ["TaskReporting", "FastAbort", "Reject"],
    ["iSCSIProtocolLevel", "2", "1"],
    ["iSCSIProtocolLevel", "0", "0"],
    ["SendTargets", "All", "Reject"],
    ["TargetAlias", "disk", "Reject"],
    ["TargetAddress", "10.0.0.1:3260,1", "Reject"],
    ["TargetPortalGroupTag", "1", "Reject"],
    ["InitiatorAlias", "sidus1", undefined],
    ["X-NodeArchitecture", "vmw-esx,6.7", undefined],
    ["X-com.microsoft.anything", "1", "NotUnderstood"],
    ["constructor", "1", "NotUnderstood"],
    ["Foo", "NotUnderstood", undefined],
  ])("%s=%s is answered with %s", (key, offer, answer) => {
    expect(answerTo(key, offer)).toBe(answer);
  });

  test.each([
    ["IFMarker", "Yes", "No"],
    ["IFMarker", "No", "No"],
    ["OFMarker", "Yes", "No"],
    ["IFMarkInt", "2048~8192", "Reject"],
    ["OFMarkInt", "2048", "Reject"],
  ])("§13.25 markers are obsolete: %s=%s is answered with %s", (key, offer, answer) => {
    expect(answerTo(key, offer)).toBe(answer);
  });

  test.each([
    ["MaxRecvDataSegmentLength", "511"],
    ["MaxRecvDataSegmentLength", "16777216"],
    ["MaxRecvDataSegmentLength", "many"],
    ["SessionType", "Other"],
    ["AuthMethod", "None"],
  ])("%s=%s ends the login", (key, offer) => {
    expect(answerTo(key, offer)).not.toBe("Reject");
    expect(negotiated({ [key]: offer }).answers).toBeTypeOf("string");
  });

  test("what Linux's iscsistart offers, and what comes of it", () => {
    const { parameters } = negotiated({
      HeaderDigest: "None",
      DataDigest: "None",
      DefaultTime2Wait: "2",
      DefaultTime2Retain: "0",
      InitialR2T: "No",
      ImmediateData: "Yes",
      MaxBurstLength: "16776192",
      FirstBurstLength: "262144",
      MaxOutstandingR2T: "1",
      MaxRecvDataSegmentLength: "262144",
    });
    expect(parameters).toEqual({
      isDiscovery: false,
      hasHeaderDigest: false,
      hasDataDigest: false,
      initialR2T: false,
      immediateData: true,
      maxRecvDataSegmentLength: 262_144,
      peerMaxRecvDataSegmentLength: 262_144,
      maxBurstLength: 16_776_192,
      firstBurstLength: 262_144,
      maxOutstandingR2T: 1,
      defaultTime2Wait: 2,
      defaultTime2Retain: 0,
    });
  });

  test("§13.14: the first burst is no longer than the others, in whichever order they come", () => {
    const max = { MaxBurstLength: "8192" };
    const first = { FirstBurstLength: "65536" };
    for (const offers of [
      { ...max, ...first },
      { ...first, ...max },
    ]) {
      const { answers, parameters } = negotiated(offers);
      expect(answers).toMatchObject({ MaxBurstLength: "8192", FirstBurstLength: "8192" });
      expect(parameters).toMatchObject({ maxBurstLength: 8192, firstBurstLength: 8192 });
    }
    expect(negotiated(max).parameters).toMatchObject({ firstBurstLength: 8192 });
  });

  test("what is rejected changes nothing", () => {
    const { parameters } = negotiated({ InitialR2T: "?", MaxBurstLength: "1", HeaderDigest: "?" });
    expect(parameters).toEqual({ ...DEFAULT_PARAMETERS, maxRecvDataSegmentLength: 262_144 });
  });

  test.each([
    ["MaxConnections", "1"],
    ["InitialR2T", "No"],
    ["ImmediateData", "Yes"],
    ["MaxBurstLength", "262144"],
    ["FirstBurstLength", "65536"],
    ["MaxOutstandingR2T", "1"],
    ["DataPDUInOrder", "Yes"],
    ["DataSequenceInOrder", "Yes"],
    ["TaskReporting", "RFC3720"],
  ])(
    "%s is irrelevant in a discovery session, also before it says that it is one",
    (key, offer) => {
      const before = negotiated({ [key]: offer, SessionType: "Discovery" });
      expect(before.answers).toMatchObject({ [key]: "Irrelevant" });
      const after = negotiated({ SessionType: "Discovery", [key]: offer });
      expect(after.answers).toMatchObject({ [key]: "Irrelevant" });
      expect(after.parameters.isDiscovery).toBe(true);
    },
  );
});

describe("RFC 7143 §6.2 negotiation", () => {
  test("a key is negotiated once in a login", () => {
    const negotiation = new Negotiation(undefined);
    negotiated({ InitialR2T: "No" }, "operational", negotiation);
    expect(negotiated({ InitialR2T: "No" }, "operational", negotiation).answers).toMatch(/twice/);
  });

  test("a declaration may be repeated (libiscsi does), but not changed", () => {
    const negotiation = new Negotiation(undefined);
    negotiated({ InitiatorName: "iqn.a:b" }, "security", negotiation);
    const again = negotiated({ InitiatorName: "iqn.a:b" }, "operational", negotiation);
    expect(again.answers).toEqual({ MaxRecvDataSegmentLength: "262144" });
    const changed = negotiated({ InitiatorName: "iqn.a:c" }, "operational", negotiation);
    expect(changed.answers).toMatch(/twice/);
  });

  test("operational keys do not belong in the security stage", () => {
    expect(negotiated({ HeaderDigest: "None" }, "security").answers).toMatch(/stage/);
    expect(negotiated({ MaxRecvDataSegmentLength: "8192" }, "security").answers).toMatch(/stage/);
  });

  test("keys of the login are rejected afterwards, and change nothing; the segment length may change", () => {
    const agreed = { ...DEFAULT_PARAMETERS, maxRecvDataSegmentLength: 262_144 };
    const { answers, parameters } = negotiated(
      { HeaderDigest: "CRC32C", InitiatorName: "x", MaxRecvDataSegmentLength: "65536", Foo: "1" },
      "full-feature",
      new Negotiation(agreed),
    );
    expect(answers).toEqual({
      HeaderDigest: "Reject",
      InitiatorName: "Reject",
      Foo: "NotUnderstood",
    });
    expect(parameters).toEqual({ ...agreed, peerMaxRecvDataSegmentLength: 65_536 });
  });

  test("bounded: keys of all requests together", () => {
    const negotiation = new Negotiation(undefined);
    const refused = Array.from({ length: 70 }, (_, at) =>
      negotiated({ [`X-${at}`]: "1" }, "operational", negotiation),
    ).filter(({ answers }) => typeof answers === "string");
    expect(refused).toHaveLength(6);
  });
});
