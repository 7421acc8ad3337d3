import process from "node:process";
import { openFile, serveIscsi } from "../../src/library/iscsi.ts";

/** One file as a disk: `node bench/iscsi/ours.ts ADDRESS PORT TARGET FILE`, until it is killed. */

const [host = "", port, name = "", path = ""] = process.argv.slice(2);
await serveIscsi({ host, port: Number(port), targets: [{ name, volume: openFile(path) }] });
