import { httpOrigin } from "../bytes/http-origin.ts";
import type { Menu, Origin, Plan } from "./plan.ts";

/** What the three loaders' files have in common. */

export const MENU_TITLE = "sidus";

/** The plan that boots unless another is chosen. */
export function firstOf(menu: Menu): Plan {
  const [first] = menu.plans;
  if (first === undefined) throw new RangeError("no plan to render");
  return first;
}

/** A message as the node's screen shows it. */
export function shown(message: string): string {
  return `sidus: ${message}`;
}

/** The plan says more than the loader can hand over as it was written: this stands in its place. */
export function instead(plan: Plan, message: string): Plan {
  return { kind: "message", label: plan.label, message: `${plan.label}: ${message}` };
}

export function httpUrl(name: string, { server, httpPort }: Origin): string {
  return `${httpOrigin(server, httpPort)}/${name}`;
}
