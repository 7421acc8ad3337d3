import { formatIpv4 } from "../bytes/ipv4.ts";
import { timeText } from "./describe.ts";
import type { Rule } from "./finding.ts";
import { factsOf, type Seen } from "./seen.ts";

/** From its root to multi-user: 20 s on a fast machine, some minutes for a large room at once. */
const UP_MS = 300_000;
/** Connections are told of every 30 s, and believed for 100. */
const GONE_MS = 130_000;

export const mountDenied: Rule = (seen) => {
  const last = lastMount(seen);
  if (last?.event.outcome !== "denied") return undefined;
  const who =
    seen.address === undefined ? "its address" : `its address, ${formatIpv4(seen.address)}`;
  return {
    cause: `The mount of ${last.event.path} was refused: the export's \`clients\` do not have ${who}.`,
    advice: "Add its network to the export's `clients`, and reload.",
  };
};

export const mountMissing: Rule = (seen) => {
  const last = lastMount(seen);
  if (last?.event.outcome !== "missing") return undefined;
  return {
    cause: `The mount of ${last.event.path} was refused: there is no such export, or not that version of its image any more.`,
    advice:
      "Boot the node again: its loader gets the path anew. If a label's `append` has an nfsroot= of its own, correct it.",
  };
};

/** RFC 7143 §11.13.5. */
export const volumeRefused: Rule = (seen) => {
  const last = seen.facts.findLast(
    ({ event }) =>
      event.kind === "session" || (event.kind === "refused" && event.protocol === "iscsi"),
  );
  if (last?.event.kind !== "refused") return undefined;
  const { reason } = last.event;
  if (/CHAP|AuthMethod/.test(reason)) {
    return {
      cause: `Its volume was refused (${reason}): it does not know the secret that \`iscsi.chap\` asks for.`,
      advice:
        "Boot it by our own loaders, which pass the secret on, or set it in the node as sidus volume secret prints it.",
    };
  }
  return {
    cause: `Its volume was refused: ${reason}.`,
    advice: "See its volume with sidus volume list, and read the server's log.",
  };
};

/** Its root was mounted, and its connection is gone. */
export const rootLost: Rule = (seen) => {
  const root = mountedAt(seen);
  if (root === undefined || seen.isPresent || seen.isUp || seen.quietMs < GONE_MS) {
    return undefined;
  }
  return {
    cause: `It mounted its root, and ${timeText(seen.now - root)} later it has no connection: it was switched off, it stopped, or it lost its network: its lease ended, or the interface was renamed or configured anew.`,
    advice:
      "Look at its screen. In the tree, nothing may touch the interface that it booted from: no NetworkManager, no ifupdown or networkd stanza for it.",
  };
};

/** It runs, but the end of its boot was not heard. */
export const neverUp: Rule = (seen) => {
  const root = mountedAt(seen);
  if (root === undefined || seen.isUp || seen.now - root < UP_MS) return undefined;
  return {
    cause: `It mounted its root, and in ${timeText(seen.now - root)} it did not say that it is up: its boot hangs on a service, or the tree has none of ours that says so.`,
    advice:
      "Look at its screen; in a shell of the node, `systemctl list-jobs` names what is waited for. sidus build puts in what says that it is up.",
  };
};

/** It was up, and has no connection now. */
export const gone: Rule = (seen) => {
  if (!seen.isUp || seen.isPresent || seen.quietMs < GONE_MS) return undefined;
  return {
    cause: `It was up, and has no connection now; it was last heard ${timeText(seen.quietMs)} ago: it was switched off, or lost its network.`,
    advice: "Nothing, if it was switched off.",
    isStuck: false,
  };
};

function lastMount({ facts }: Seen) {
  return factsOf(facts, "mount").findLast(({ event }) => event.outcome !== "unmounted");
}

function mountedAt(seen: Seen): number | undefined {
  return factsOf(seen.facts, "mount").findLast(({ event }) => event.outcome === "granted")?.first;
}
