import process from "node:process";
import type { BootEvent } from "../../src/watch/events.ts";
import { Told as Whole } from "../../src/watch/told.ts";
import { signals } from "./served.ts";

let isOn = false;
process.on(signals.on, () => {
  isOn = true;
});
process.on(signals.off, () => {
  isOn = false;
});

export class Told extends Whole {
  override tell(event: BootEvent): void {
    if (isOn) super.tell(event);
  }
}
