import { STORM_PORTMAP_ASKED_MS } from "../../limits.ts";
import { unheard } from "./explore.ts";
import { mnt } from "./operations.ts";
import { Rendezvous, type RendezvousOptions } from "./rendezvous.ts";

/** Undefined: a portmapper says where MOUNT is; else why not. Asked once, before a storm's nodes wait for it each. */
export async function portmapFailure({
  server,
  ...options
}: Omit<RendezvousOptions, "patienceMs" | "tally">): Promise<string | undefined> {
  using rendezvous = new Rendezvous({
    ...options,
    tally: unheard,
    server: { ...server, nfs: undefined, mount: undefined },
    patienceMs: STORM_PORTMAP_ASKED_MS,
  });
  return await new Promise((resolve) => {
    rendezvous.portmap(mnt.program, mnt.version, resolve);
  });
}
