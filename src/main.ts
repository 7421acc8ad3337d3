#!/usr/bin/env node
import process from "node:process";
import { runCli } from "./cli/program.ts";

process.exitCode = await runCli(process.argv);
