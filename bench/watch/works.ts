import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compileProgram as compileIscsi, argumentsOf as iscsiArguments } from "../iscsi/load.ts";
import { worksOf as iscsiWorks } from "../iscsi/works.ts";
import { compileProgram as compileNfs, argumentsOf as nfsArguments } from "../nfs/load.ts";
import { worksOf as nfsWorks, writeLists } from "../nfs/works.ts";
import type { Work } from "../table.ts";
import {
  ADDRESS,
  compileProgram as compileFiles,
  argumentsOf as fileArguments,
} from "../tftp/load.ts";
import { IQN, VOLUME, VOLUME_BYTES } from "./served.ts";

/** The loads on the two servers, and how each is started. */

/** A server: NFS at its port, HTTP at the next, then iSCSI, TFTP. */
export interface Served {
  readonly port: number;
  readonly pid: number;
}

export interface Load {
  readonly work: Work;
  readonly command: (server: Served) => readonly string[];
}

export type Programs = Readonly<Record<"nfs" | "iscsi" | "files", string>>;

/** It runs when it is told to. */
const SLICED = 0;

export function compilePrograms(work: string): Programs {
  const directory = (name: string): string => {
    mkdirSync(join(work, name));
    return join(work, name);
  };
  return {
    nfs: compileNfs(directory("nfs-load")),
    iscsi: compileIscsi(directory("iscsi-load")),
    files: compileFiles(directory("files-load")),
  };
}

export function loadsOf(tree: string, work: string, programs: Programs): Load[] {
  const nfs = nfsWorks(writeLists(tree, work, []), SLICED)
    .filter(({ title }) => /^(GETATTR|LOOKUP|READ 128|mixed)/.test(title))
    .map((item): Load => {
      const where = { name: "", address: ADDRESS, path: "/srv/nfsroot/bench" };
      return {
        work: { ...item, title: `NFS ${item.title}` },
        command: ({ port, pid }) => [
          programs.nfs,
          ...nfsArguments({ ...where, port, mountPort: port, pid }, item.load),
        ],
      };
    });
  const iscsi = iscsiWorks(SLICED)
    .filter(({ title }) => / read .* 1 x (8|32)$/.test(title))
    .map(({ title, unit, load }): Load => {
      const where = { address: ADDRESS, target: `${IQN}:${VOLUME}`, lun: 0, bytes: VOLUME_BYTES };
      return {
        work: { title: `iSCSI ${title}`, unit },
        command: ({ port, pid }) => [
          programs.iscsi,
          ...iscsiArguments({ ...where, port: port + 2, pid }, load),
        ],
      };
    });
  const file = (protocol: "http" | "tftp", name: string, size: string): Load => ({
    work: { title: `${protocol.toUpperCase()} 100 x ${size}`, unit: "MB/s" },
    command: ({ port, pid }) => [
      programs.files,
      ...fileArguments(
        { httpPort: port + 1, tftpPort: port + 3, pid },
        { name, path: join(tree, name) },
        { protocol, windowBlocks: 1, clients: 100, seconds: SLICED },
      ),
    ],
  });
  return [
    ...nfs,
    ...iscsi,
    file("http", "large/file-0", "8 MiB"),
    file("http", "small", "64 KiB"),
    file("tftp", "small", "64 KiB"),
  ];
}
