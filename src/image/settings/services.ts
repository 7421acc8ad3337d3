import type { Recipe } from "../recipe/recipe.ts";
import { type Part, quoted } from "./part.ts";

/** systemctl(1) writes links only: nothing runs in the tree that it could ask. */
export function servicesSettings({ services }: Recipe): Part {
  const verbs = ["enable", "disable", "mask"] as const;
  return {
    lastCommands: verbs
      .filter((verb) => services[verb].length > 0)
      .map((verb) => `SYSTEMD_OFFLINE=1 systemctl ${verb} ${services[verb].map(quoted).join(" ")}`),
  };
}
