import { readTrace } from "../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../src/storm/trace/shipped.ts";
import type { Step, Trace } from "../../src/storm/trace/trace.ts";

const STEPS = 400;
/** Of a kernel and an initrd, so that a test is brief. */
const FILE_BYTES_MAX = 400_000;

/** The beginning of a real boot, up to where systemd begins its own, and its end: it says that it is up. */
export async function briefTrace(
  name: "bios-tmpfs" | "bios-iscsi" = "bios-tmpfs",
  count = STEPS,
): Promise<Trace> {
  const whole = await readTrace(shippedTraceFile(name));
  const steps = whole.steps.slice(0, count).map(withLessBytes);
  const up: Step = { after: count - 1, think: 1_000_000, deed: { kind: "up" } };
  return { ...whole, steps: [...steps, up] };
}

function withLessBytes(step: Step): Step {
  const { deed } = step;
  if (deed.kind !== "http" && deed.kind !== "tftp") return step;
  return { ...step, deed: { ...deed, bytes: Math.min(deed.bytes, FILE_BYTES_MAX) } };
}
