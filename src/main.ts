#!/usr/bin/env node
import process from "node:process";
import { runCli } from "./cli/program.ts";

// Of Node's four threads for files, a slow disk would keep all: attributes and names in its cache would wait.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

// Whoever reads only the beginning, as head(1) does, has what it wants.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runCli(process.argv);
