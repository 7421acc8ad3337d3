import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";

export interface IscsiSettings {
  readonly port: number;
  /** What the names of targets begin with. */
  readonly iqn: string;
  /** What the node must know to use the volume; undefined: nothing. */
  readonly chapFor: (volume: string) => Chap | undefined;
}

export interface Chap extends Credentials {
  /** What the server must know; undefined: the node asks for nothing. */
  readonly mutual: Credentials | undefined;
}

/** Without blanks: they go on the kernel's command line. */
export interface Credentials {
  readonly user: string;
  readonly secret: string;
}

/** How the hook logs in to a volume; the names are those of Debian's open-iscsi. */
export function iscsiWords(
  volume: string,
  server: Ipv4,
  { port, iqn, chapFor }: IscsiSettings,
): string[] {
  const chap = chapFor(volume);
  return [
    `ISCSI_TARGET_IP=${formatIpv4(server)}`,
    ...(port === 3260 ? [] : [`ISCSI_TARGET_PORT=${port}`]),
    `ISCSI_INITIATOR=${initiatorName(iqn, volume)}`,
    `ISCSI_TARGET_NAME=${iqn}:${volume}`,
    ...(chap === undefined ? [] : credentials("ISCSI", chap)),
    ...(chap?.mutual === undefined ? [] : credentials("ISCSI_IN", chap.mutual)),
  ];
}

/** A volume's own: initiators of one name take each other's sessions, and a node that boots again shall take its own. */
export function initiatorName(iqn: string, volume: string): string {
  return `${iqn.replace(/\.target$/, "")}.initiator:${volume}`;
}

function credentials(prefix: string, { user, secret }: Credentials): string[] {
  return [`${prefix}_USERNAME=${user}`, `${prefix}_PASSWORD=${secret}`];
}
