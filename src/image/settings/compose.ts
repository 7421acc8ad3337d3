import type { Recipe } from "../recipe/recipe.ts";
import { directorySettings } from "./directory.ts";
import { displaySettings } from "./display.ts";
import { gpuSettings } from "./gpu.ts";
import { homesSettings } from "./homes.ts";
import { infinibandSettings } from "./infiniband.ts";
import { keyboardSettings } from "./keyboard.ts";
import { limitsSettings } from "./limits.ts";
import { localeSettings } from "./locale.ts";
import { networkSettings } from "./network.ts";
import type { Machine, Part } from "./part.ts";
import { servicesSettings } from "./services.ts";
import type { Settings } from "./settings.ts";
import { timezoneSettings } from "./timezone.ts";
import { usersSettings } from "./users.ts";

/** In the order in which they are applied: users may be members of packages' groups. */
const parts: readonly ((recipe: Recipe, machine: Machine) => Part)[] = [
  localeSettings,
  timezoneSettings,
  keyboardSettings,
  networkSettings,
  limitsSettings,
  directorySettings,
  homesSettings,
  displaySettings,
  infinibandSettings,
  gpuSettings,
  usersSettings,
  servicesSettings,
];

/** The same recipe and machine give the same settings. The initrd is made when they are in the tree, and needs none of them. */
export function settingsOf(recipe: Recipe, machine: Machine): Settings {
  const all = parts.map((part) => part(recipe, machine));
  return {
    packages: [...new Set(all.flatMap(({ packages = [] }) => packages))],
    components: [...new Set(all.flatMap(({ components = [] }) => components))],
    pathIncludes: all.flatMap(({ pathIncludes = [] }) => pathIncludes),
    selections: all.flatMap(({ selections = [] }) => selections),
    files: all.flatMap(({ files = [] }) => files),
    commands: all.flatMap(({ commands = [] }) => commands),
    lastCommands: all.flatMap(({ lastCommands = [] }) => lastCommands),
  };
}
