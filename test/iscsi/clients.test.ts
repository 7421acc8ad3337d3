import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { decodePdu, type Pdu } from "../../src/iscsi/packet.ts";
import { HEADER_BYTES, Opcode } from "../../src/iscsi/pdus/header.ts";
import { tcpStreams } from "../captures.ts";
import {
  INITIATOR,
  keysOf,
  loginRequest,
  NamedTargets,
  newLogin,
  pairsOf,
  TARGET,
} from "./logins.ts";

/** The first PDU of a stream; those of the captures have no digests. */
function firstPdu(stream: Uint8Array): Pdu {
  const view = new DataView(stream.buffer, stream.byteOffset);
  const length = view.getUint32(4) & 0xff_ffff;
  const segment = stream.subarray(HEADER_BYTES, HEADER_BYTES + length);
  const pdu = decodePdu(new Reader(stream.subarray(0, HEADER_BYTES)), [segment]);
  if (pdu === undefined || isMalformed(pdu)) throw new Error("not a PDU");
  return pdu;
}

/** Login requests of Linux, each with what tgt answered. */
const logins = ["b1-bios-iscsi", "g2-uefi-iscsi-2boots"].flatMap((capture) => {
  const pdus = tcpStreams(capture, 3260).map(({ bytes }) => firstPdu(bytes));
  const requests = pdus.filter((pdu) => pdu.opcode === Opcode.LOGIN_REQUEST);
  const responses = pdus.filter((pdu) => pdu.opcode === Opcode.LOGIN_RESPONSE);
  return requests.map((request, at) => ({
    name: `${capture} ${at}`,
    request,
    response: responses[at],
  }));
});

describe("captures: open-iscsi 2.1.8 and what tgt answered", () => {
  test("there is a login in each", () => {
    expect(logins.length).toBeGreaterThanOrEqual(2);
  });

  test.each(logins)("$name: one request, the same keys answered, and a session", async (login) => {
    const { request, response } = login;
    if (response === undefined) throw new Error("no answer in the capture");
    const name = pairsOf(request.data).get("TargetName") ?? "";
    const own = newLogin({ targets: new NamedTargets({ [name]: undefined }) });
    const step = await own.receive(request);
    expect(step.response).toMatchObject({
      transit: response.transit,
      csg: response.csg,
      nsg: response.nsg,
      statusClass: response.statusClass,
      isid: response.isid,
      initiatorTaskTag: response.initiatorTaskTag,
    });
    const ours = keysOf(step);
    const theirs = Object.fromEntries(pairsOf(response.data));
    expect(Object.keys(ours).sort()).toEqual(
      [...Object.keys(theirs), "MaxRecvDataSegmentLength"].sort(),
    );
    // Where we differ from tgt: no R2T for what comes with a command, and bursts as long as Linux offers.
    expect(ours).toEqual({
      ...theirs,
      MaxRecvDataSegmentLength: "262144",
      InitialR2T: "No",
      MaxBurstLength: "16776192",
      FirstBurstLength: "262144",
    });
    expect(step.established?.parameters).toMatchObject({ defaultTime2Wait: 2, initialR2T: false });
  });
});

const WHO = { InitiatorName: INITIATOR, TargetName: TARGET, SessionType: "Normal" };

/** What other initiators offer in their operational stage: iPXE and libiscsi by their sources, Windows by hand. */
const offers: Record<string, Record<string, string>> = {
  iPXE: {
    ...WHO,
    HeaderDigest: "None",
    DataDigest: "None",
    InitialR2T: "Yes",
    MaxRecvDataSegmentLength: "8192",
    MaxBurstLength: "262144",
    DefaultTime2Wait: "0",
    DefaultTime2Retain: "0",
    MaxOutstandingR2T: "1",
    DataPDUInOrder: "Yes",
    DataSequenceInOrder: "Yes",
    ErrorRecoveryLevel: "0",
  },
  libiscsi: {
    ...WHO,
    HeaderDigest: "None,CRC32C",
    DataDigest: "None",
    InitialR2T: "No",
    ImmediateData: "Yes",
    MaxBurstLength: "262144",
    FirstBurstLength: "262144",
    MaxRecvDataSegmentLength: "262144",
    DataPDUInOrder: "Yes",
    DefaultTime2Wait: "2",
    DefaultTime2Retain: "0",
    IFMarker: "No",
    OFMarker: "No",
    MaxConnections: "1",
    MaxOutstandingR2T: "1",
    ErrorRecoveryLevel: "0",
    DataSequenceInOrder: "Yes",
  },
  Windows: {
    ...WHO,
    InitiatorAlias: "PC-7",
    HeaderDigest: "None,CRC32C",
    DataDigest: "None,CRC32C",
    ErrorRecoveryLevel: "2",
    InitialR2T: "No",
    ImmediateData: "Yes",
    MaxRecvDataSegmentLength: "65536",
    MaxBurstLength: "262144",
    FirstBurstLength: "65536",
    MaxConnections: "8",
    DataPDUInOrder: "Yes",
    DataSequenceInOrder: "Yes",
    DefaultTime2Wait: "0",
    DefaultTime2Retain: "60",
    MaxOutstandingR2T: "16",
  },
};

const DECLARED = ["InitiatorName", "TargetName", "SessionType", "InitiatorAlias"];

describe("other initiators' offers", () => {
  test.each(Object.entries(offers))(
    "%s: every offer is answered, none rejected",
    async (_, keys) => {
      const step = await newLogin().receive(loginRequest(keys));
      const answers = keysOf(step);
      const offered = Object.keys(keys).filter((key) => !DECLARED.includes(key));
      expect(Object.keys(answers).sort()).toEqual(
        [...new Set([...offered, "MaxRecvDataSegmentLength", "TargetPortalGroupTag"])].sort(),
      );
      expect(Object.values(answers)).not.toContain("Reject");
      expect(step.established?.parameters).toMatchObject({
        initialR2T: keys["InitialR2T"] === "Yes",
        peerMaxRecvDataSegmentLength: Number(keys["MaxRecvDataSegmentLength"]),
        hasHeaderDigest: false,
        hasDataDigest: false,
      });
    },
  );
});
