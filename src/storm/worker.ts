import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../net/clock.ts";
import { Share } from "./share.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-messages.ts";

/** The program of a storm's threads: each runs its share of the nodes, and ends with them. */

if (parentPort === null) throw new Error("a thread's program is no program of its own");
const port = parentPort;
const send = (message: FromWorker): void => port.postMessage(message);

const share = new Share(workerData as WorkerStart, {
  clock: systemClock,
  sendDhcp: (datagram) => send({ kind: "dhcp", datagram }),
  ended: (ended) => {
    send(ended);
    port.close();
  },
});

port.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "begin":
      share.begin();
      break;
    case "dhcp":
      share.receiveDhcp(message.index, message.datagram);
      break;
    case "stop":
      share.stop(message.failure);
      break;
  }
});
send({ kind: "ready" });
