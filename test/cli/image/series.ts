import process from "node:process";
import { type Outcome, outcome } from "../../sidus.ts";

/** Several commands one after another, in one other process: starting each alone takes longer than all of them. */
export async function inSeries(commands: readonly (readonly string[])[]): Promise<Outcome[]> {
  const script = `
    import { runCli } from ${JSON.stringify(new URL("../../../src/cli/program.ts", import.meta.url).href)};
    const print = process.stdout.write.bind(process.stdout);
    const outcomes = [];
    for (const args of ${JSON.stringify(commands)}) {
      const said = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"]) {
        process[name].write = (text, done) => {
          said[name] += text;
          if (typeof done === "function") done();
          return true;
        };
      }
      process.exitCode = undefined;
      outcomes.push({ code: await runCli(["node", "sidus", ...args]), ...said });
    }
    process.exitCode = 0;
    print(JSON.stringify(outcomes));
  `;
  const { code, stdout, stderr } = await outcome(process.execPath, [
    "--input-type=module",
    "-e",
    script,
  ]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
