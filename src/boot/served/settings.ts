import type { Ipv4 } from "../../bytes/ipv4.ts";
import type { MacAddress } from "../../bytes/mac.ts";
import type { Tree } from "../../tree/tree.ts";
import type { NodeFacts } from "../facts.ts";
import type { Inventory } from "../inventory.ts";
import type { Loaders } from "../loaders.ts";
import type { BootExport, BootSettings } from "../plan.ts";

export interface ServedSettings {
  readonly boot: BootSettings;
  readonly inventory: Inventory;
  readonly exports: readonly ServedExport[];
  /** Its files add to and replace those of the trees. */
  readonly overlay: Tree | undefined;
  readonly loaders: Loaders;
  /** What DHCP learned of the node that now has the address. */
  readonly nodeAt: (address: Ipv4) => NodeFacts | undefined;
  /** What a loader said of its node beyond what DHCP heard. */
  readonly learn: (identity: SaidIdentity) => void;
}

export interface SaidIdentity {
  readonly mac: MacAddress;
  readonly uuid: string | undefined;
  readonly serial: string | undefined;
}

export interface ServedExport extends BootExport {
  admits(address: Ipv4): boolean;
  /** The tree with this pin; undefined where there is none such. */
  pinned(pin: string): Promise<Tree | undefined>;
}
