import { parentPort, workerData } from "node:worker_threads";
import type { Captured } from "./capture.ts";
import { FrameArray } from "./frame-array.ts";
import { packetSocket } from "./packet-socket.ts";
import { PcapFile } from "./pcap-file.ts";

/** The thread of a capture: nothing else is done in it, so that it may wait for frames and for the disk. */

export interface CaptureStart {
  /** Descriptors: a packet socket, an empty file. */
  readonly socket: number;
  readonly file: number;
  readonly bytesMax: number;
  /** Shared; not 0: end. */
  readonly stop: Int32Array;
}

/** Frames that one system call takes. */
const FRAMES = 64;
/** The longest that network cards put together or cut (GRO, GSO): an IP packet behind its Ethernet header and VLAN tag. */
const FRAME_BYTES = 65_536 + 18;
/** So long nobody looks for frames when there were none: the socket keeps 10 ms of 10 Gb/s easily. */
const PAUSE_MS = 10;
/** On stopping, what has arrived is written, and what still arrives meanwhile only so far. */
const LAST_ROUNDS_MAX = 1024;

function capture({ socket, file, bytesMax, stop }: CaptureStart): Captured {
  const packets = packetSocket(socket);
  const array = new FrameArray(FRAMES, FRAME_BYTES, packets.addressOf);
  const pcap = new PcapFile(file, bytesMax);
  let [frames, dropped, lastRounds] = [0, 0, 0];
  let ended: Captured["ended"];
  try {
    while (ended === undefined && lastRounds < LAST_ROUNDS_MAX) {
      const isStopping = Atomics.load(stop, 0) !== 0;
      const arrived = Math.max(0, packets.receive(array));
      const written = addAll(pcap, array, arrived);
      frames += written;
      if (written < arrived) ended = "full";
      if (arrived === 0 && isStopping) break;
      if (isStopping) lastRounds += 1;
      if (arrived > 0) continue;
      pcap.flush();
      dropped += packets.dropped();
      Atomics.wait(stop, 0, 0, PAUSE_MS);
    }
    pcap.flush();
  } catch (error) {
    ended = { error: String(error) };
  }
  return { frames, bytes: pcap.bytes, dropped: dropped + packets.dropped(), ended };
}

/** How many of the frames found room. */
function addAll(pcap: PcapFile, array: FrameArray, count: number): number {
  for (let at = 0; at < count; at += 1) {
    const microseconds = Math.floor(array.nanosecondsOf(at) / 1000);
    const length = array.lengthOf(at);
    if (!pcap.add(array.frame(at), length, array.secondsOf(at), microseconds)) return at;
  }
  return count;
}

parentPort?.postMessage(capture(workerData));
