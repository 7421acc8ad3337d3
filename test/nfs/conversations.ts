import { bootCaptures, tcpStreams } from "../captures.ts";
import { In, Out, parseReply, records } from "./client.ts";

export interface Conversation {
  readonly capture: string;
  readonly program: number;
  readonly procedure: number;
  /** The whole call, without its mark. */
  readonly call: Buffer;
  readonly args: Buffer;
  /** accept_stat. */
  readonly accepted: number;
  readonly results: Buffer;
}

/** Every call of the captures to one port with the reply that it got. */
export function* conversations(port = 2049): Generator<Conversation> {
  for (const capture of bootCaptures) {
    const streams = tcpStreams(capture, port);
    const sent = streams.filter(({ to }) => to.port === port);
    const received = streams.filter(({ from }) => from.port === port);
    for (const [at, stream] of sent.entries()) {
      const replies = new Map(
        records(received[at]?.bytes ?? new Uint8Array(0)).map((record) => [
          parseReply(record).xid,
          record,
        ]),
      );
      for (const call of records(stream.bytes)) {
        const conversation = pair(capture, call, replies.get(call.readUInt32BE(0)));
        if (conversation !== undefined) yield conversation;
      }
    }
  }
}

function pair(capture: string, call: Buffer, record: Buffer | undefined): Conversation | undefined {
  if (record === undefined) return undefined;
  const reply = parseReply(record);
  if (!("accepted" in reply)) throw new Error("a captured call was denied");
  const reader = new In(call);
  reader.fixed(12);
  const program = reader.u32();
  reader.u32();
  const procedure = reader.u32();
  reader.u32();
  reader.opaque();
  reader.u32();
  reader.opaque();
  return {
    capture,
    program,
    procedure,
    call,
    args: call.subarray(reader.at),
    accepted: reply.accepted,
    results: record.subarray(reply.results.at),
  };
}

export interface Handles {
  readonly directory: Buffer;
  readonly file: Buffer;
  readonly link: Buffer;
}

/** The call, with one of our handles in the place of ganesha's where it has one. */
export function withHandle(conversation: Conversation, handles: Handles): Buffer {
  const { program, procedure, call, args } = conversation;
  if (![100_003, 100_227].includes(program) || procedure === 0) return call;
  const reader = new In(args);
  reader.opaque();
  const { directory, file, link } = handles;
  const handle = procedure === 6 ? file : procedure === 5 ? link : directory;
  const head = call.subarray(0, call.length - args.length);
  return new Out().raw(head).opaque(handle).raw(args.subarray(reader.at)).bytes();
}
