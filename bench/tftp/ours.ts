import process from "node:process";
import type { BootFiles } from "../../src/boot/files.ts";
import { cleanPath, openInTree } from "../../src/boot/served/files.ts";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { serveHttp } from "../../src/http/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import { serveTftp } from "../../src/tftp/server.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";

/** A directory by TFTP and HTTP: `node bench/tftp/ours.ts ADDRESS TFTP-PORT HTTP-PORT DIRECTORY`, until it is killed. */

const [host = "", tftpPort, httpPort, directory = ""] = process.argv.slice(2);
const address = parseIpv4(host);
if (address === undefined) throw new Error("usage: at the head of ours.ts");
const tree = await openDirectory(directory, {
  clock: systemClock,
  cache: BlockCache.create(256 << 20),
});
const files: BootFiles = async (path) => {
  const name = cleanPath(path);
  return name === undefined ? "missing" : openInTree(tree, name);
};
const common = {
  files,
  tell: () => {},
  report: (what: string, error: unknown) => process.stderr.write(`${what}: ${error}\n`),
};
await serveTftp({ ...common, local: { address, port: Number(tftpPort) }, clock: systemClock });
await serveHttp({
  ...common,
  local: { address, port: Number(httpPort) },
  up: () => {},
  status: () => ({}),
  explain: () => ({ isHeard: false, shown: {} }),
});
