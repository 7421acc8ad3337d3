import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** limits.conf(5): files of limits.d are read after limits.conf, in the order of their names; the last line that fits wins. */
export function limitsSettings({ limits }: Recipe): Part {
  if (limits.length === 0) return {};
  const path = "/etc/security/limits.d/90-sidus.conf";
  return { files: [{ path, mode: 0o644, content: lines(...limits) }] };
}
