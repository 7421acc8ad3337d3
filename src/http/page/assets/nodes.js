/** The nodes as the server told of them last, and what can be said of one. */

export const stages = ["dhcp", "loader", "kernel", "root", "volume", "up"];
/** As many as the server keeps (limits.ts): who was told of longest ago is forgotten for more. */
const NODES = 24_096;
const QUIET_MS = 300_000;

/** By MAC address, in the order in which they were told. */
export const nodes = new Map();
/** The server's clock, ahead of ours. */
let aheadMs = 0;

export const serverNow = () => Date.now() + aheadMs;

export function setServerNow(now) {
  aheadMs = now - Date.now();
}

export function remember(node) {
  nodes.delete(node.mac);
  nodes.set(node.mac, node);
  if (nodes.size > NODES) nodes.delete(nodes.keys().next().value);
}

export const nameOf = (node) => node.name ?? node.mac;

/** An address alone is no boot, unless firmware asked for it: a running system renews its own. */
export const isBoot = ({ stage, firmware }) =>
  stage !== "heard" && (stage !== "dhcp" || firmware !== undefined);
export const isUp = ({ stage }) => stage === "up";
/** Strangers that we do not answer stand still for good reason. */
export const isStuck = ({ condition, stage, known }) =>
  condition === "stuck" && (stage !== "heard" || known);
/** Nobody waits for it any more. */
export const isQuiet = ({ heardAt }) => serverNow() - heardAt > QUIET_MS;
/** One that stands still is not slow. */
export const isSlower = (node) => node.slower && !isStuck(node);
export const isOnWay = (node) => !isUp(node) && !isStuck(node) && isBoot(node) && !isQuiet(node);

/** Seconds that a boot took, or has taken so far; where it stands still, until it was heard last. */
export function spanOf(node) {
  if (!isBoot(node)) return 0;
  if (isUp(node)) return node.seconds.up ?? 0;
  const end = isStuck(node) || isQuiet(node) ? node.heardAt : serverNow();
  return Math.max(0, ...Object.values(node.seconds), (end - node.beganAt) / 1000);
}

const collator = new Intl.Collator("en", { numeric: true });
export const byName = (a, b) => collator.compare(nameOf(a), nameOf(b));
