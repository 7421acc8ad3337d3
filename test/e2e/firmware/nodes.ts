import { expect } from "vitest";
import type { Namespace } from "../../namespace.ts";
import type { Qemu } from "../qemu.ts";
import { addPort, openRoom, type Room } from "../served-room.ts";
import { powerOn, saidBy } from "./machine.ts";
import { ipv6Router } from "./peers.ts";
import type { Row } from "./rows.ts";
import { nodeLabel } from "./tree.ts";
import { type Wire, watchWire } from "./wire.ts";

/** Firmware, loader and kernel; several of them share two processors. */
const BOOT_MS = 240_000;

/** A room whose nodes are rows; each has an address, a port on the network and a word of its own on the command line. */
export interface RowRoom extends AsyncDisposable {
  readonly room: Room;
  readonly wire: Wire;
  /** Switches them on, waits for what they run, and asserts that. */
  boot(rows: readonly Row[], how?: How): Promise<void>;
}

interface How {
  /** Where they are, if not on the room's network: a bridge in a namespace. */
  readonly place?: { readonly namespace: Namespace; readonly bridge: string };
  /** What is done while they boot. */
  readonly meanwhile?: (machines: readonly Qemu[]) => Promise<void>;
}

interface Node {
  readonly mac: string;
  readonly name: string;
  readonly port: string;
  readonly loader?: string;
  readonly append: string;
}

function nodeOf(row: Row, index: number): Node {
  const number = (index + 1).toString(16).padStart(2, "0");
  const name = `node${index + 1}`;
  const { loader } = row;
  return {
    mac: `52:54:00:13:20:${number}`,
    name,
    port: `tap${index + 1}`,
    append: `row=${name}`,
    ...(loader === undefined ? {} : { loader }),
  };
}

/** `settings`: of sidus.yaml, besides the export, its label and the nodes. Nothing serves yet. */
export async function openRowRoom(
  rows: readonly Row[],
  tree: string,
  settings: object = {},
): Promise<RowRoom> {
  const nodes = rows.map(nodeOf);
  const opened = new AsyncDisposableStack();
  const room = opened.use(
    await openRoom({
      exports: { room: { source: tree, clients: ["10.13.0.0/16"] } },
      boot: {
        default: "node",
        labels: { node: { ...nodeLabel, append: "console=ttyS0 quiet mitigations=off" } },
      },
      nodes: nodes.map(({ port, ...node }) => node),
      ...settings,
    }),
  );
  opened.use(await ipv6Router(room));
  const wire = opened.use(await watchWire(room));
  return {
    room,
    wire,
    async boot(some, { place, meanwhile } = {}) {
      const { namespace, bridge } = place ?? { namespace: room.namespace, bridge: "room0" };
      await using machines = new AsyncDisposableStack();
      const started = some.map((row) => {
        const node = nodes[rows.indexOf(row)];
        if (node === undefined) throw new Error(`${row.title} is not of this room`);
        addPort(namespace, node.port, bridge);
        return { row, node, qemu: machines.use(powerOn(namespace, room.work, node, row.computer)) };
      });
      await meanwhile?.(started.map(({ qemu }) => qemu));
      for (const { row, node, qemu } of started) {
        const { words, ...says } = await saidBy(qemu, BOOT_MS).catch((error: unknown) => {
          const asked = wire.fetchedBy(node.mac).join("\n");
          throw new Error(`${row.title}: ${String(error)}\nasked:\n${asked}`, { cause: error });
        });
        expect(says, row.title).toEqual(row.says);
        expect(words.split(" "), row.title).toContain(node.append);
        // Behind a router, the frames are the router's.
        if (namespace !== room.namespace) continue;
        const fetched = wire.fetchedBy(node.mac);
        expect(
          fetched.filter((name) => row.fetches.includes(name)),
          row.title,
        ).toEqual(row.fetches);
      }
      expect(wire.malformed()).toBe("");
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
