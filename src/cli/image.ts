import { Command } from "commander";
import { captureCommand } from "./image/capture.ts";
import { commitCommand } from "./image/commit.ts";
import { diffCommand } from "./image/diff.ts";
import { editCommand } from "./image/edit.ts";
import { exportCommand } from "./image/export.ts";
import { importCommand } from "./image/import.ts";
import { keepCommand } from "./image/keep.ts";
import { keyCommand } from "./image/key.ts";
import { listCommand } from "./image/list.ts";
import { removeCommand } from "./image/remove.ts";
import { rollbackCommand } from "./image/rollback.ts";
import { sealCommand } from "./image/seal.ts";
import { showCommand } from "./image/show.ts";
import { signCommand } from "./image/sign.ts";
import { useCommand } from "./image/use.ts";
import { verifyCommand } from "./image/verify.ts";

/** Each subcommand is a file in image/: add it here with one line. */
export function imageCommand(): Command {
  return new Command("image")
    .description("Sealed images and their versions.")
    .addCommand(sealCommand())
    .addCommand(captureCommand())
    .addCommand(editCommand())
    .addCommand(commitCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(diffCommand())
    .addCommand(useCommand())
    .addCommand(rollbackCommand())
    .addCommand(verifyCommand())
    .addCommand(removeCommand())
    .addCommand(keepCommand())
    .addCommand(exportCommand())
    .addCommand(importCommand())
    .addCommand(keyCommand())
    .addCommand(signCommand())
    .addHelpText(
      "after",
      `
A version is named by the beginning of its digest, as list shows it.

Example:
  sidus image list`,
    );
}
