// node serve-files.js DIRECTORY [PORT]: hands out its files by TFTP, and a greeting, to this machine.
import { filesOf, serveTftp, textFile } from "sidus/tftp";

const [directory = ".", port = "69"] = process.argv.slice(2);

await using files = await filesOf(directory);
await using server = await serveTftp({
  port: Number(port),
  async files(name, client) {
    return name === "hello" ? textFile(`hello, ${client}\n`) : files.open(name);
  },
  onEvent: (event) => console.log(event),
});

console.log(`curl tftp://127.0.0.1:${server.port}/hello`);

await new Promise((stop) => process.once("SIGINT", stop).once("SIGTERM", stop));
