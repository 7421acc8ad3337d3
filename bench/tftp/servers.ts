import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Namespace } from "../../test/namespace.ts";
import { listening, pidOf, runUntilEnd } from "../processes.ts";
import { ADDRESS, type FileServer } from "./load.ts";

/** The servers that are compared, in one private network, on one directory. */

const program = fileURLToPath(new URL("ours.ts", import.meta.url));

export async function startSidus(
  namespace: Namespace,
  directory: string,
  cleanup: AsyncDisposableStack,
): Promise<FileServer> {
  const [tftpPort, httpPort] = [6900, 8080];
  const args = [program, ADDRESS, String(tftpPort), String(httpPort), directory];
  const child = runUntilEnd(namespace, process.execPath, args, cleanup);
  await listening(namespace, httpPort, child);
  return { name: "sidus", tftpPort, httpPort, pid: pidOf(child) };
}

export async function startDnsmasq(
  namespace: Namespace,
  directory: string,
  cleanup: AsyncDisposableStack,
): Promise<FileServer> {
  const args = [
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file"],
    ...[
      "--log-facility=/dev/null",
      "--quiet-tftp",
      `--listen-address=${ADDRESS}`,
      "--bind-interfaces",
    ],
    ...["--enable-tftp", `--tftp-root=${directory}`, "--tftp-max=1000"],
  ];
  const child = runUntilEnd(namespace, "dnsmasq", args, cleanup);
  await hearing(namespace, 69);
  return { name: "dnsmasq", tftpPort: 69, pid: pidOf(child) };
}

/** A process for each transfer: what it says of its CPU is that of the first alone. */
export async function startTftpd(
  namespace: Namespace,
  directory: string,
  cleanup: AsyncDisposableStack,
): Promise<FileServer> {
  const tftpPort = 6901;
  const args = ["--foreground", "--address", `${ADDRESS}:${tftpPort}`, "--secure", directory];
  const child = runUntilEnd(namespace, "in.tftpd", args, cleanup);
  await hearing(namespace, tftpPort);
  return { name: "tftpd-hpa", tftpPort, pid: pidOf(child) };
}

async function hearing(namespace: Namespace, port: number): Promise<void> {
  while (!namespace.run("ss", "-Hlun", `sport = ${port}`).includes(`:${port}`))
    await setTimeout(50);
}
