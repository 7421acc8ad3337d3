// node serve-disk.js FILE [PORT]: serves it as a disk by iSCSI, to this machine.
import { openFile, serveIscsi } from "sidus/iscsi";

const [file = "disk.img", port = "3260"] = process.argv.slice(2);
const name = "iqn.2024-01.org.example:disk";

await using volume = openFile(file);
await using server = await serveIscsi({
  port: Number(port),
  targets: [{ name, volume, initiators: ["127.0.0.0/8"] }],
  onEvent: (event) => console.log(event),
});

console.log(`qemu-system-x86_64 -drive file=iscsi://127.0.0.1:${server.port}/${name}/0,format=raw`);

await new Promise((stop) => process.once("SIGINT", stop).once("SIGTERM", stop));
