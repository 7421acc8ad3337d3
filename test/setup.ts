import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One temporary directory for the whole run: whatever a test leaves in it goes with it. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), "sidus-tests-"));
  // What belongs to an ordinary user is below it, too.
  chmodSync(directory, 0o711);
  process.env["TMPDIR"] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
