/**
 * The volume that a node writes to when it boots the label `admin`: another than its own, so that what an administrator
 * changes there is all that is on it. `volume`: the node's own, a name or the address that it boots with.
 */
export function adminVolumeOf(volume: string): string {
  return `${volume}${SUFFIX}`;
}

/** Whether a volume of this name would be another node's, when that boots for administration. */
export function isAdminVolume(name: string): boolean {
  return name.endsWith(SUFFIX);
}

const SUFFIX = "-admin";
