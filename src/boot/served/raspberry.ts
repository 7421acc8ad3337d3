import type { BootFile, Requester } from "../files.ts";
import { menuFor, type Plan } from "../plan.ts";
import {
  deviceTreePath,
  isRaspberryPi,
  type RaspberryRequest,
  raspberryFile,
  raspberryPath,
  readRaspberryRequest,
} from "../raspberry.ts";
import { openInTree, renderedFile } from "./files.ts";
import type { ServedSettings } from "./settings.ts";
import { exportedFile, treesFor } from "./trees.ts";
import { claimed, whoAsks } from "./who.ts";

/**
 * What a Raspberry Pi's firmware asks for. A node whose plan starts no Linux finds nothing at all: its firmware then
 * goes on to the next device of its boot order.
 */
export async function raspberry(
  name: string,
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing" | "denied"> {
  const asked = readRaspberryRequest(name);
  if (asked === undefined) return "missing";
  learn(asked, requester, settings);
  const node =
    asked.mac === undefined
      ? whoAsks(requester, settings)
      : claimed(asked.mac, requester, settings);
  const { plans } = await menuFor(node, settings.boot);
  const [plan] = plans;
  if (plan?.kind !== "linux") return "missing";
  const made = raspberryFile(asked.file, plan);
  if (made === undefined) return firmware(asked.file, plan, requester, settings);
  return "text" in made ? renderedFile(made.text) : exportedFile(made.name, requester, settings);
}

async function firmware(
  file: string,
  plan: Plan & { kind: "linux" },
  requester: Requester,
  settings: ServedSettings,
): Promise<BootFile | "missing"> {
  const [, version = ""] = /vmlinuz-([^/]+)$/.exec(plan.kernel) ?? [];
  const paths = [raspberryPath(file) ?? [], deviceTreePath(file, version) ?? []].flat();
  for (const tree of treesFor(requester, settings)) {
    for (const path of paths) {
      const found = await openInTree(tree, path);
      if (found !== "missing") return found;
    }
  }
  return "missing";
}

/**
 * The directory's name is the board's serial number, which its DHCP does not say. Any program on a node can ask so: who
 * is known as a node already stays that one.
 */
function learn(
  { serial }: RaspberryRequest,
  { address }: Requester,
  { nodeAt, learn, inventory }: ServedSettings,
): void {
  const facts = nodeAt(address);
  if (serial === undefined || facts === undefined || !isRaspberryPi(facts)) return;
  if (inventory.byMac(facts.mac) !== undefined) return;
  learn({ mac: facts.mac, uuid: undefined, serial });
}
