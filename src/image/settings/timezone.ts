import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** localtime(5); /etc/timezone is for programs that cannot follow a link. tzdata takes over what it finds there. */
export function timezoneSettings({ timezone }: Recipe): Part {
  const zone = `/usr/share/zoneinfo/${timezone}`;
  return {
    packages: ["tzdata"],
    files: [{ path: "/etc/timezone", mode: 0o644, content: lines(timezone) }],
    commands: [
      `[ -f ${zone} ] || { echo "this suite has no time zone ${timezone}; include tzdata-legacy for old names" >&2; exit 1; }`,
      `ln -sf ${zone} /etc/localtime`,
    ],
  };
}
