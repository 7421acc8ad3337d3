import { callBytes, Out } from "./client.ts";
import { conversations, type Handles, withHandle } from "./conversations.ts";

/** Calls of every kind, without their marks, that mutations begin from. */
export function seedCalls(handles: Handles): Buffer[] {
  return [...realCalls(handles), ...otherCalls(handles)];
}

/** What Linux clients sent, with handles of ours: at most fifty of each procedure. */
function realCalls(handles: Handles): Buffer[] {
  const counts = new Map<string, number>();
  const calls: Buffer[] = [];
  for (const conversation of [...conversations(), ...conversations(20_048)]) {
    const { program, procedure } = conversation;
    const key = `${program} ${procedure}`;
    const count = counts.get(key) ?? 0;
    if (count === 50) continue;
    counts.set(key, count + 1);
    calls.push(withHandle(conversation, handles));
  }
  return calls;
}

/** What no boot needs: listings, and everything that would change something. */
function otherCalls({ directory, file }: Handles): Buffer[] {
  const at = () => new Out().opaque(directory);
  const named = (name: string) => at().opaque(name);
  const noAttributes = (args: Out) => args.u32(0).u32(0).u32(0).u32(0).u32(0).u32(0);
  const nfs = new Map([
    [2, noAttributes(new Out().opaque(file)).u32(0)],
    [7, new Out().opaque(file).u64(0n).u32(4).u32(2).opaque("data")],
    [8, noAttributes(named("new").u32(0))],
    [9, noAttributes(named("new"))],
    [10, noAttributes(named("new")).opaque("target")],
    [11, noAttributes(named("new").u32(7))],
    [12, named("0")],
    [13, named("below")],
    [14, named("0").opaque(directory).opaque("1")],
    [15, new Out().opaque(file).opaque(directory).opaque("new")],
    [16, at().u64(0n).u64(0n).u32(8192)],
    [17, at().u64(0n).u64(0n).u32(4096).u32(32_768)],
    [20, at()],
    [21, new Out().opaque(file).u64(0n).u32(0)],
  ]);
  const mount = new Map([
    [1, new Out().opaque("/srv/nfsroot/test/dir")],
    [2, new Out()],
    [4, new Out()],
    [5, new Out()],
  ]);
  const calls = (program: number, list: Map<number, Out>) =>
    [...list].map(([procedure, args]) =>
      callBytes(procedure, { program, version: 3, procedure }, args.bytes()).subarray(4),
    );
  return [...calls(100_003, nfs), ...calls(100_005, mount)];
}
