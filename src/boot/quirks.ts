import { dhcpQuirks } from "./quirks/dhcp.ts";
import { loadingQuirks } from "./quirks/loading.ts";
import type { Quirk } from "./quirks/quirk.ts";
import { raspberryQuirks } from "./quirks/raspberry.ts";

export type { Quirk } from "./quirks/quirk.ts";

/** Firmware and loaders that need other treatment than their standards ask for, or fail in ways that look like ours. */
export const quirks: readonly Quirk[] = [...dhcpQuirks, ...loadingQuirks, ...raspberryQuirks];
