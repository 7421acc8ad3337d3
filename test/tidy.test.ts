import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** The house rules. README's picture of the folders and this table say the same. */

const src = fileURLToPath(new URL("../src/", import.meta.url));

/** folder → what it may import besides itself: folders, or single files. `types:` marks what only types may come from. */
const mayImport: Record<string, readonly string[]> = {
  "user-error.ts": [],
  "limits.ts": [],
  bytes: [],
  system: [],
  net: ["bytes", "system", "user-error.ts"],
  config: ["bytes", "limits.ts", "user-error.ts", "net/interfaces.ts"],
  watch: ["bytes", "limits.ts", "types:net"],
  disk: ["bytes", "limits.ts"],
  tree: ["bytes", "disk", "limits.ts", "user-error.ts", "types:net"],
  boot: ["bytes", "limits.ts", "tree/tree.ts", "tree/resolve.ts", "medium"],
  rpc: ["bytes", "limits.ts", "watch/events.ts", "types:net"],
  dhcp: ["bytes", "limits.ts", "boot", "watch/events.ts", "types:net"],
  state: [
    "bytes",
    "limits.ts",
    "user-error.ts",
    "types:boot",
    "types:dhcp",
    "types:net",
    "types:watch",
  ],
  tftp: ["bytes", "limits.ts", "boot", "watch/events.ts", "types:net"],
  http: ["bytes", "limits.ts", "boot", "watch/events.ts", "types:net"],
  nfs: ["bytes", "limits.ts", "rpc", "tree", "watch/events.ts", "types:net"],
  volume: ["bytes", "disk", "limits.ts", "system", "user-error.ts", "types:net"],
  scsi: ["bytes", "limits.ts", "types:volume"],
  iscsi: ["bytes", "limits.ts", "scsi", "watch/events.ts", "types:net"],
  image: [
    "bytes",
    "limits.ts",
    "net",
    "user-error.ts",
    "tree",
    "config/source.ts",
    "config/complaint.ts",
    "config/written.ts",
  ],
  medium: ["bytes", "user-error.ts"],
  // Packets only: simulated nodes must not agree with the servers by accident.
  storm: [
    "bytes",
    "limits.ts",
    "user-error.ts",
    "net",
    "rpc/xdr.ts",
    "rpc/record.ts",
    "dhcp/packet.ts",
    "dhcp/options.ts",
    "tftp/packet.ts",
    "iscsi/packet.ts",
    "iscsi/pdus",
    "iscsi/chap.ts",
    "types:watch",
  ],
  plane: [
    "bytes",
    "limits.ts",
    "user-error.ts",
    "net",
    "nfs",
    "tree",
    "iscsi",
    "scsi",
    "volume",
    "image/store/signed.ts",
    "image/store/versions.ts",
    "watch/events.ts",
  ],
  library: [
    "bytes",
    "limits.ts",
    "user-error.ts",
    "net",
    "boot",
    "dhcp",
    "state",
    "tftp",
    "nfs",
    "tree",
    "iscsi",
    "scsi",
    "volume",
    "watch/events.ts",
  ],
};

/** A protocol's server.ts is where its cores meet the sockets. */
const serverAlso = ["net"];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .sort();

const text = new Map(files.map((file) => [file, readFileSync(join(src, file), "utf8")]));

function imports(file: string): Import[] {
  const statement = /^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
  return [...(text.get(file) ?? "").matchAll(statement)]
    .filter((found) => found[2]?.startsWith("."))
    .map((found) => ({
      file,
      target: relative(src, normalize(join(src, dirname(file), found[2] ?? ""))),
      typeOnly: found[1] !== undefined,
    }));
}

function room(path: string): string {
  return path.split("/")[0] ?? path;
}

function allowed({ file, target, typeOnly }: Import): boolean {
  const own = room(file);
  if (own === "cli" || own === "main.ts" || room(target) === own) return true;
  const list = [...(mayImport[own] ?? []), ...(file.endsWith("/server.ts") ? serverAlso : [])];
  return list.some((entry) => {
    const plain = entry.replace(/^types:/, "");
    const hit = target === plain || target.startsWith(`${plain}/`);
    return hit && (typeOnly || plain === entry);
  });
}

describe("house rules", () => {
  test("every folder has a row in the import table", () => {
    const rooms = new Set(files.map(room));
    const known = new Set([...Object.keys(mayImport), "cli", "main.ts"]);
    expect([...rooms].filter((name) => !known.has(name))).toEqual([]);
  });

  test("folders import only what the table allows", () => {
    const wrong = files.flatMap(imports).filter((entry) => !allowed(entry));
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  test("a packet codec imports bytes, limits and its own folder only", () => {
    const wrong = files
      .filter((file) => file.endsWith("/packet.ts"))
      .flatMap(imports)
      .filter(({ file, target }) => !["bytes", "limits.ts", room(file)].includes(room(target)));
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  test("time, chance and the console live in net/ and cli/", () => {
    const banned = /\b(?:Date\.now|Math\.random|setTimeout|setInterval|console\.\w+)\b/;
    const wrong = files
      .filter((file) => !["net", "cli"].includes(room(file)))
      .filter((file) => banned.test(text.get(file) ?? ""));
    expect(wrong).toEqual([]);
  });

  test("sockets are opened in net/ only", () => {
    const banned = /from "node:(?:dgram|net|http|https|tls)"/;
    const wrong = files.filter((file) => room(file) !== "net" && banned.test(text.get(file) ?? ""));
    expect(wrong).toEqual([]);
  });

  test("what is exported is used elsewhere", () => {
    const uses = new Map<string, number>();
    for (const [word] of `${[...text.values()].join("\n")}${usersText()}`.matchAll(/\w+/g)) {
      uses.set(word, (uses.get(word) ?? 0) + 1);
    }
    const dead = files.flatMap((file) =>
      [
        ...(text.get(file) ?? "").matchAll(
          /^export (?:async )?(?:const|function\*?|class|interface|type) (\w+)/gm,
        ),
      ]
        .map((found) => found[1] ?? "")
        .filter((name) => (uses.get(name) ?? 0) < 2)
        .map((name) => `${file}: ${name}`),
    );
    expect(dead).toEqual([]);
  });

  test("files stay readable: at most 400 lines; limits.ts is all bounds on one page", () => {
    const long = files
      .filter((file) => file !== "limits.ts")
      .filter((file) => (text.get(file) ?? "").split("\n").length > 401);
    expect(long).toEqual([]);
  });
});

/** Of all that uses the sources without being one. */
function usersText(): string {
  return [".", "../examples", "../bench"]
    .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.[jt]s$/.test(name))
        .map((name) => readFileSync(join(folder, name), "utf8")),
    )
    .join("\n");
}
