import process from "node:process";
import { openFile, serveIscsi, type Volume } from "../../src/library/iscsi.ts";

/** `mortal-target-process.ts FILE NAME PORT WRITES`: says its port; dies at the last of so many writes. */

const [path = "", name = "", port, writes] = process.argv.slice(2);
const file = openFile(path);
let left = Number(writes);

const volume: Volume = {
  bytes: file.bytes,
  isReadOnly: file.isReadOnly,
  read: file.read.bind(file),
  write(offset, parts) {
    const answer = file.write(offset, parts);
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
    return answer;
  },
  flush: file.flush.bind(file),
  deallocate: file.deallocate.bind(file),
  clear: file.clear.bind(file),
  extent: file.extent.bind(file),
};

const onError = (error: Error): never => {
  throw error;
};
const server = await serveIscsi({ port: Number(port), targets: [{ name, volume }], onError });
process.on("disconnect", () => process.exit());
process.send?.(server.port);
