import type { Path, Source } from "../../config/source.ts";
import type { DirectoryService, Recipe } from "./recipe.ts";

/** Debian dropped libnss-ldap and libpam-ldap with bookworm; Ubuntu still has them. */
const withoutLibnssLdap = new Set([
  "bookworm",
  "trixie",
  "forky",
  "duke",
  "sid",
  "stable",
  "testing",
  "unstable",
]);

interface Misfit {
  readonly path: Path;
  readonly why: string;
}

/** What is right by itself and wrong beside something else. @throws UserError with the first. */
export function refuseMisfits(recipe: Recipe, source: Source): void {
  const [first] = [
    ...packageMisfits(recipe),
    ...userMisfits(recipe),
    ...directoryMisfits(recipe),
    ...homeMisfits(recipe),
    ...machineMisfits(recipe),
    ...serviceMisfits(recipe),
  ];
  if (first !== undefined) throw source.complain(first.path, first.why);
}

function packageMisfits({ include, exclude, purge }: Recipe): Misfit[] {
  return include.flatMap((name, index) => {
    const other = exclude.includes(name) ? "exclude" : purge.includes(name) ? "purge" : undefined;
    return other === undefined
      ? []
      : [{ path: ["include", index], why: `${name} is in ${other} too; which is it?` }];
  });
}

function userMisfits({ users, homes }: Recipe): Misfit[] {
  const twice = users.filter(
    ({ uid }, index) => uid !== undefined && users.findIndex((user) => user.uid === uid) < index,
  );
  const hidden = users.flatMap((user) => {
    const home = homes.find(({ mount }) => `${user.home}/`.startsWith(`${mount}/`));
    return user.keys.length > 0 && home !== undefined ? [{ user, home }] : [];
  });
  return [
    ...twice.map(({ name, uid }) => ({
      path: ["users", name, "uid"],
      why: `another user has ${uid} already`,
    })),
    ...hidden.map(({ user, home }) => ({
      path: ["users", user.name, "keys"],
      why: `nodes mount ${home.from} over ${user.home}: put the keys there, or give the user a home elsewhere`,
    })),
  ];
}

function directoryMisfits({ directory, suite }: Recipe): Misfit[] {
  if (directory === undefined) return [];
  const misfits: Misfit[] = [];
  if (directory.with === "libnss-ldap" && withoutLibnssLdap.has(suite)) {
    misfits.push({
      path: ["ldap", "with"],
      why: `${suite} has no libnss-ldap and libpam-ldap any more; nslcd took their place, sssd does more`,
    });
  }
  return [...misfits, ...tlsMisfits(directory)];
}

function tlsMisfits({ uris, startTls, with: service }: DirectoryService): Misfit[] {
  const path = ["ldap", "start-tls"];
  const isSecure = uris.map((uri) => uri.startsWith("ldaps:"));
  if (startTls && isSecure.includes(true)) {
    return [{ path, why: "ldaps:// has TLS from its beginning; start-tls is for ldap://" }];
  }
  if (!startTls && service === "sssd" && isSecure.includes(false)) {
    return [{ path, why: "sssd sends no password in clear: start-tls: true, ldaps://, or nslcd" }];
  }
  return [];
}

function homeMisfits({ homes, idmapDomain }: Recipe): Misfit[] {
  if (idmapDomain === undefined || homes.some(({ version }) => version === 4)) return [];
  return [{ path: ["idmap-domain"], why: "names are mapped by NFSv4 only; no home comes by it" }];
}

function machineMisfits({ gpu, architecture, infiniband }: Recipe): Misfit[] {
  const misfits: Misfit[] = [];
  if (gpu.includes("nvidia") && gpu.includes("nvidia-open")) {
    misfits.push({ path: ["gpu"], why: "nvidia and nvidia-open exclude each other" });
  }
  if (gpu.some((one) => one.startsWith("nvidia")) && architecture === "i386") {
    misfits.push({ path: ["gpu"], why: "there is no driver of NVIDIA's for i386 any more" });
  }
  const prefix = Number(infiniband?.network.split("/")[1] ?? 16);
  if (prefix < 8 || prefix > 30) {
    misfits.push({
      path: ["infiniband"],
      why: "expected a network from /8 to /30: a node's address in it ends as that of its Ethernet card",
    });
  }
  return misfits;
}

function serviceMisfits({ services }: Recipe): Misfit[] {
  const off = [...services.disable, ...services.mask].map(full);
  return services.enable.flatMap((unit, index) =>
    off.includes(full(unit))
      ? [{ path: ["services", "enable", index], why: `${unit} is disabled or masked too` }]
      : [],
  );
}

/** systemctl(1): without an ending it is a service. */
function full(unit: string): string {
  return /\.[a-z]+$/.test(unit) ? unit : `${unit}.service`;
}
