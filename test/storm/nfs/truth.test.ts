import { describe, expect, test } from "vitest";
import { FileTable } from "../../../src/storm/record/file-table.ts";
import { mountEventsOf } from "../../../src/storm/record/mount.ts";
import { nfsEventsOf } from "../../../src/storm/record/nfs.ts";
import type { NfsCall, TraceFile } from "../../../src/storm/trace/trace.ts";
import { type Conversation, conversations } from "../../nfs/conversations.ts";
import { streamsOf } from "../record/recorded.ts";
import { FakeServer, success } from "../rpc/fake.ts";
import { NfsNode } from "./room.ts";

/** What Linux and klibc sent, and what nfs-ganesha answered them, beside what a simulated node sends and makes of that. */

const XID_BYTES = 4;
/** xid, CALL, version 2, program, version, procedure. */
const HEAD_BYTES = 24;

const captures = ["a-bios-tmpfs", "b1-bios-iscsi", "d2-uefi-ipxe-http", "m-noacl-server"] as const;

const all = [111, 2049, 20_048].flatMap((port) => [...conversations(port)]);

interface Recorded {
  readonly calls: readonly NfsCall[];
  readonly files: readonly TraceFile[];
}

function recordedIn(capture: string): Recorded {
  const files = new FileTable();
  const streams = streamsOf(`boots/${capture}`);
  for (const stream of streams) mountEventsOf(stream, files, () => {});
  const events = streams.flatMap((stream) => nfsEventsOf(stream, files));
  const calls = events.flatMap(({ deed }) => (deed.kind === "nfs" ? [deed.call] : []));
  return { calls, files: files.files };
}

/** Answers as the recorded server did: by program, procedure and arguments, in their order. */
class Recording {
  readonly server = new FakeServer();
  readonly unknown: string[] = [];
  readonly #answers: Map<string, Conversation[]>;

  constructor(capture: string) {
    const own = all.filter((conversation) => conversation.capture === capture);
    this.#answers = Map.groupBy(own, ({ program, procedure, args }) =>
      [program, procedure, args.toString("hex")].join(" "),
    );
    this.server.answer = (call) => this.#answer(call);
  }

  #answer(call: Buffer): Buffer | undefined {
    const argsAt = HEAD_BYTES + 8 + call.readUInt32BE(HEAD_BYTES + 4) + 8;
    const [program, procedure] = [call.readUInt32BE(12), call.readUInt32BE(20)];
    const args = call.subarray(argsAt).toString("hex");
    const found = this.#answers.get([program, procedure, args].join(" "));
    const recorded = found?.[0];
    if (found === undefined || recorded === undefined) {
      this.unknown.push(`${program} ${procedure} ${args}`);
      return undefined;
    }
    if (found.length > 1) found.shift();
    return success(call, recorded.results, recorded.accepted);
  }
}

describe("a simulated node beside a recorded one", () => {
  test.each(captures)(
    "%s: the same calls, byte for byte, and no word about the answers",
    async (capture) => {
      const { calls, files } = recordedIn(capture);
      const recording = new Recording(capture);
      const { connect } = recording.server;
      const told = { port: 2049, portmap: 111, isToldPorts: false };
      using node = new NfsNode({ files, connect, ...told });
      for (const { args } of getPortsIn(capture)) {
        expect(await node.portmap(args.readUInt32BE(0))).toBe(undefined);
      }
      expect(await node.mount(mountedIn(capture))).toBe(undefined);
      for (const call of calls) {
        const failure = await node.call(call);
        expect([failure, recording.unknown]).toEqual([undefined, []]);
      }
      expect(node.told.complaints).toEqual([]);
      expect(node.told.differences).toEqual([]);
      expect(node.client.added).toBe(0);
      const sent = recording.server.connections.flatMap((connection) => connection.calls);
      expect(sent.map(bodyOf)).toEqual(sentIn(capture));
      expect(calls.length).toBeGreaterThan(70);
    },
  );
});

/** What MNT asked for. */
function mountedIn(capture: string): string {
  const isMnt = (one: Conversation): boolean => one.program === 100_005 && one.procedure === 1;
  const mnt = all.find((one) => one.capture === capture && isMnt(one));
  if (mnt === undefined) throw new Error(`${capture} mounts nothing`);
  return mnt.args.subarray(4, 4 + mnt.args.readUInt32BE(0)).toString("latin1");
}

/** Nothing but the xid is the call's own; the machine's name and who called there are as the node's. */
function bodyOf(call: Buffer): string {
  const flavor = call.readUInt32BE(HEAD_BYTES);
  const credentialBytes = call.readUInt32BE(HEAD_BYTES + 4);
  const behind = HEAD_BYTES + 8 + credentialBytes;
  const head = call.subarray(XID_BYTES, HEAD_BYTES).toString("hex");
  return `${head} flavor ${flavor} ${call.subarray(behind).toString("hex")}`;
}

/** Up to the last of NFS that the capture has. */
function sentIn(capture: string): string[] {
  const own = all.filter((one) => one.capture === capture);
  const isOfBoot = ({ program, procedure }: Conversation): boolean =>
    program === 100_003 || program === 100_227 || (program === 100_005 && procedure === 1);
  const mounts = own.filter((one) => one.program === 100_005 && isOfBoot(one)).slice(0, 1);
  const calls = own.filter((one) => one.program !== 100_005 && isOfBoot(one));
  return [...getPortsIn(capture), ...mounts, ...calls].map(({ call }) => bodyOf(call));
}

/** With `port=` MOUNT's only. The last is from when it was shut down. */
function getPortsIn(capture: string): Conversation[] {
  return all.filter((one) => one.capture === capture && one.program === 100_000).slice(0, -1);
}
