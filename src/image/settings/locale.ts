import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** glibc has C.UTF-8 in itself; everything else is compiled in the tree, from what the package `locales` has. */
export function localeSettings({ locale }: Recipe): Part {
  const all = [...new Set([locale.default, ...locale.also])];
  const compiled = all.filter((name) => name !== "C.UTF-8");
  // systemd reads locale.conf, PAM and Debian's scripts the other; since trixie one is a link to the other.
  const files = ["/etc/default/locale", "/etc/locale.conf"].map((path) => ({
    path,
    mode: 0o644,
    content: lines(`LANG=${locale.default}`),
  }));
  if (compiled.length === 0) return { files };
  const list = compiled.map((name) => `${name} UTF-8`);
  return {
    packages: ["locales"],
    // A tree is built without translations; those of its languages stay.
    pathIncludes: [...new Set(compiled.flatMap(translations))],
    files: [...files, { path: "/etc/locale.gen", mode: 0o644, content: lines(...list) }],
    // locale-gen is content with names that it does not know.
    commands: ["locale-gen", ...compiled.map(check)],
  };
}

/** `fr_FR.UTF-8` → those of fr and fr_FR, as gettext looks for them. */
function translations(name: string): string[] {
  const [territory = ""] = name.split(/[.@]/);
  const [language = ""] = territory.split("_");
  const modifier = /@.*/.exec(name)?.[0];
  const bases = modifier === undefined ? [language] : [language, `${language}${modifier}`];
  return [...bases, territory].map((base) => `/usr/share/locale/${base}/*`);
}

function check(name: string): string {
  return `[ "$(LC_ALL=${name} locale charmap 2>/dev/null)" = UTF-8 ] || { echo "there is no locale ${name} in this suite" >&2; exit 1; }`;
}
