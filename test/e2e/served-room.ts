import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { directoryOf, type Served, serveIn, sidus } from "../sidus.ts";

/** A room in a private network: `sidus serve` with what it needs on disk, and a port for each node. */
export interface Room extends AsyncDisposable {
  readonly namespace: Namespace;
  readonly work: string;
  /** The file sidus.yaml. */
  readonly config: string;
  readonly images: string;
  readonly server: string;
  /** The process that serves now. */
  served(): Served;
  /** Starts it again after it ended. `flags`: of `sidus serve`, besides. */
  start(...flags: readonly string[]): Promise<void>;
  get(path: string): string;
  /** Attaches one more TAP to the room's network. */
  addPort(name: string): void;
  /** Seals a directory as the current version; answers its digest. */
  seal(name: string, directory: string): Promise<string>;
}

const SERVER = "10.13.20.1";

/** A TAP on a bridge, for one node. */
export function addPort(namespace: Namespace, name: string, bridge: string): void {
  namespace.run("ip", "tuntap", "add", name, "mode", "tap");
  namespace.run("ip", "link", "set", name, "master", bridge, "up");
}

/** `settings`: the rest of sidus.yaml, with the exports. Nothing serves before start(). */
export async function openRoom(settings: object): Promise<Room> {
  const work = directoryOf({});
  const images = join(work, "images");
  const config = join(work, "sidus.yaml");
  const dhcp = { range: "10.13.20.50-10.13.20.99" };
  const state = join(work, "state");
  writeFileSync(config, stringify({ interface: "room0", state, images, dhcp, ...settings }));

  const namespace = await openNamespace();
  addServerInterface(namespace, "room0", `${SERVER}/24`);
  let served: Served | undefined;
  return {
    namespace,
    work,
    config,
    images,
    server: SERVER,
    served() {
      if (served === undefined) throw new Error("nothing serves yet");
      return served;
    },
    async start(...flags) {
      served = await serveIn(namespace, config, join(work, "ready"), ...flags);
    },
    get(path) {
      const flags = ["--silent", "--show-error", "--fail", "--max-time", "10"];
      return namespace.run("curl", ...flags, `http://${SERVER}${path}`);
    },
    addPort: (name) => addPort(namespace, name, "room0"),
    async seal(name, directory) {
      const args = ["image", "seal", name, directory, "--images", images, "--json"];
      const { code, stdout, stderr } = await sidus(...args);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout).digest;
    },
    async [Symbol.asyncDispose]() {
      await served?.[Symbol.asyncDispose]();
      await namespace[Symbol.asyncDispose]();
    },
  };
}
