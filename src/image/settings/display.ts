import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** What differs between package, unit and program. */
const units: Readonly<Record<string, string>> = { gdm3: "gdm" };
const folders: Readonly<Record<string, string>> = {
  sddm: "/usr/bin",
  slim: "/usr/bin",
  wdm: "/usr/bin",
  xdm: "/usr/bin",
};

/** A greeter that starts before users can be named shows none of them, or refuses all: it waits for the caches of names. */
export function displaySettings({ displayManager: name, directory }: Recipe): Part {
  if (name === undefined) return {};
  const nscd = directory?.with === "sssd" ? [nscdBesideSssd] : [];
  return {
    packages: [name, "nscd"],
    selections: [`${name} shared/default-x-display-manager select ${name}`],
    files: [
      {
        path: `/etc/systemd/system/${units[name] ?? name}.service.d/sidus.conf`,
        mode: 0o644,
        content: lines(
          "[Unit]",
          "Wants=nscd.service",
          "After=nscd.service nslcd.service sssd.service nss-user-lookup.target",
        ),
      },
      {
        path: "/etc/X11/default-display-manager",
        mode: 0o644,
        content: lines(`${folders[name] ?? "/usr/sbin"}/${name}`),
      },
      ...nscd,
    ],
  };
}

/** sssd caches users and groups itself; nscd's copies of them would be stale. */
const nscdBesideSssd = {
  path: "/etc/nscd.conf",
  mode: 0o644,
  content: lines(
    "enable-cache passwd no",
    "enable-cache group no",
    "enable-cache netgroup no",
    "enable-cache services no",
    "enable-cache hosts yes",
  ),
};
