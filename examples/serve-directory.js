// node serve-directory.js DIRECTORY [PORT]: serves it by NFSv3, read-only, to this machine.
import { openDirectory, serveNfs } from "sidus/nfs";

const [directory = ".", port = "2049"] = process.argv.slice(2);

await using tree = await openDirectory(directory);
await using server = await serveNfs({
  port: Number(port),
  exports: [{ path: "/srv/tree", tree, clients: ["127.0.0.0/8"] }],
  onEvent: (event) => console.log(event),
});

const ports = `port=${server.port},mountport=${server.port}`;
console.log(`mount -t nfs -o vers=3,tcp,mountproto=tcp,nolock,${ports} 127.0.0.1:/srv/tree /mnt`);

await new Promise((stop) => process.once("SIGINT", stop).once("SIGTERM", stop));
