import { formatIpv4, parseIpv4 } from "../../bytes/ipv4.ts";
import { formatMac, parseMac } from "../../bytes/mac.ts";
import type { NodeConfig } from "../../config/config.ts";
import {
  commentFor,
  type Host,
  hostNameIn,
  type Imported,
  leftOut,
  lost,
  macIn,
  type Note,
} from "./host.ts";

/** `host` declarations of ISC's dhcpd (dhcpd.conf(5)), however deep in groups and subnets, among whatever else. */

interface Token {
  /** A word, a string without its quotes, or one of `{`, `}`, `;`, `,`. */
  readonly text: string;
  readonly isString: boolean;
  readonly line: number;
}

/** A host whose block is being read. */
interface Open {
  readonly line: number;
  readonly declared: string;
  readonly statements: (readonly Token[])[];
  /** Blocks within it that are open. */
  depth: number;
}

export function parseIsc(text: string): Imported {
  const hosts: Host[] = [];
  const notes: Note[] = [];
  let statement: Token[] = [];
  let open: Open | undefined;
  const take = (found: Imported): void => {
    hosts.push(...found.hosts);
    notes.push(...found.notes);
  };
  for (const token of tokens(text)) {
    const mark = token.isString ? "" : token.text;
    if (mark === "{") {
      const [kind, name] = statement;
      if (open !== undefined) open.depth += 1;
      else if (kind?.text === "host") open = opened(kind.line, name?.text ?? "");
      if (open !== undefined && open.depth > 0) open.statements.push(statement);
    } else if (mark === "}") {
      if (open !== undefined && open.depth === 0) {
        take(readHost(open));
        open = undefined;
      } else if (open !== undefined) open.depth -= 1;
    } else if (mark === ";") {
      if (open === undefined) notes.push(...includes(statement));
      else if (statement.length > 0) open.statements.push(statement);
    } else {
      statement.push(token);
      continue;
    }
    statement = [];
  }
  if (open !== undefined) {
    notes.push(lost(open.line, `host ${open.declared}: its block does not end`));
  }
  return { hosts, notes };
}

function opened(line: number, declared: string): Open {
  return { line, declared, statements: [], depth: 0 };
}

function* tokens(text: string): Generator<Token> {
  const form = /\n|#[^\n]*|"((?:[^"\\\n]|\\.)*)"?|[{};,]|[^\s{};,"#]+/g;
  let line = 1;
  for (const [whole, quoted] of text.matchAll(form)) {
    if (whole === "\n") line += 1;
    else if (!whole.startsWith("#")) {
      yield { text: quoted ?? whole, isString: quoted !== undefined, line };
    }
  }
}

function readHost({ line, declared, statements }: Open): Imported {
  const found: { mac?: Host["mac"]; address?: Host["address"]; name?: string } = {};
  const notes: Note[] = [];
  let isDeleted = false;
  for (const statement of statements) {
    const words = statement.map((token) => token.text);
    const [first, second, third] = words;
    const at = statement[0]?.line ?? line;
    const mac = macIn(third ?? "");
    if (first === "hardware" && second === "ethernet" && mac !== undefined) found.mac = mac;
    else if (first === "fixed-address") {
      const [address, ...others] = words.slice(1).filter((word) => word !== ",");
      found.address = parseIpv4(address ?? "");
      if (found.address === undefined) {
        notes.push(leftOut(at, `the address ${address}: write it as numbers`));
      }
      for (const other of others) notes.push(leftOut(at, `its other address ${other}`));
    } else if (first === "option" && second === "host-name" && third !== undefined) {
      found.name = third;
    } else if (first === "deleted") isDeleted = true;
    else notes.push(leftOut(at, words.join(" ")));
  }
  if (isDeleted)
    return { hosts: [], notes: [...notes, lost(line, `host ${declared}: is deleted`)] };
  if (found.mac === undefined) {
    const text = `host ${declared}: has no \`hardware ethernet\``;
    return { hosts: [], notes: [...notes, lost(line, text)] };
  }
  const { mac, address } = found;
  // What is declared by its MAC address has no other name.
  const name = found.name ?? (parseMac(declared) === mac ? undefined : declared);
  const label = name === undefined ? undefined : hostNameIn(name);
  if (name !== label) {
    const what =
      label === undefined ? `its name ${name}, which no host can have` : `the domain of ${name}`;
    notes.push(leftOut(line, what));
  }
  return { hosts: [{ line, mac, name: label, address }], notes };
}

function includes([first, second]: readonly Token[]): Note[] {
  if (first?.text !== "include") return [];
  const text = `include ${second?.text ?? ""}: is another file: import that, too`;
  return [{ line: first.line, text, isLost: false }];
}

/** A line each; what dhcpd cannot say is a comment. */
export function formatIsc(nodes: readonly NodeConfig[]): string {
  return nodes.map((node) => `${lineOf(node)}\n`).join("");
}

function lineOf(node: NodeConfig): string {
  const { mac, name, address } = node;
  if (mac === undefined) return commentFor(node);
  const statements = [
    `hardware ethernet ${formatMac(mac)};`,
    ...(address === undefined ? [] : [`fixed-address ${formatIpv4(address)};`]),
    ...(name === undefined ? [] : [`option host-name "${name}";`]),
  ];
  return `host ${name ?? mac} { ${statements.join(" ")} }`;
}
