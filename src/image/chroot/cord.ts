import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { insideTree } from "../inside.ts";

/**
 * What ties a tree to the machine that works in it, and where: paths of this machine, "" where the tree has no such place.
 *
 * All of it is mounted, in namespaces of its own, so nodes that run on the tree see nothing of it, and the kernel takes
 * it away however the work ends. A mount needs a file to be mounted on: where there is none, an empty one without any
 * right is made. Nothing runs it, nothing reads it, and nobody else makes such a file: should the machine die before it
 * is removed, whoever works in the tree next knows it.
 */
export interface Cord {
  /** Answers 101, so that packages start no service (deb-systemd-invoke(1p), invoke-rc.d(8)). */
  readonly policy: string;
  /** Scripts that ask no policy start daemons with it. */
  readonly daemon: string;
  /** The name servers of this machine, for those who download. */
  readonly names: string;
}

export function cordOf(tree: string): Cord {
  const policy = insideTree(tree, "/usr/sbin/policy-rc.d");
  const daemons = ["/usr/sbin/start-stop-daemon", "/sbin/start-stop-daemon"]
    .map((path) => insideTree(tree, path))
    .filter((path) => kindOf(path) === "file");
  return {
    policy: fits(policy) ? policy : "",
    daemon: daemons[0] ?? "",
    names: namesIn(tree),
  };
}

/** Files that were made only to be mounted on, and are there still. */
export function placeholdersIn(tree: string): string[] {
  const { policy, names } = cordOf(tree);
  return [policy, names].filter((path) => {
    const found = path === "" ? undefined : lstatSync(path, { throwIfNoEntry: false });
    return found?.isFile() === true && found.size === 0 && (found.mode & 0o7777) === 0;
  });
}

/** Often a link into /run, where nothing is until a service has started: in the /run that we mount there is room for it. */
function namesIn(tree: string): string {
  const file = insideTree(tree, "/etc/resolv.conf");
  if (kindOf(file) !== "link") return fits(file) ? file : "";
  const target = targetOf(tree, "/etc/resolv.conf");
  const isInRun = target.startsWith(`${insideTree(tree, "/run")}/`);
  return isInRun || kindOf(target) === "file" ? target : "";
}

/** Where a link leads to in the end; "" for one that leads in circles. */
function targetOf(tree: string, link: string): string {
  try {
    return insideTree(tree, `${link}/.`);
  } catch {
    return "";
  }
}

/** For a file to be mounted on it. */
function fits(path: string): boolean {
  const kind = kindOf(path);
  return kind === "file" || (kind === undefined && kindOf(dirname(path)) === "directory");
}

function kindOf(path: string): "file" | "directory" | "link" | "other" | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  return found.isSymbolicLink() ? "link" : "other";
}
