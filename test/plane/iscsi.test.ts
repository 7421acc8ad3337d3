import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { systemClock } from "../../src/net/clock.ts";
import { localSockets } from "../../src/net/local.ts";
import { openIscsi } from "../../src/plane/iscsi.ts";
import type { VolumeGrant } from "../../src/plane/messages.ts";
import { UserError } from "../../src/user-error.ts";
import { usersIn } from "../../src/volume/claim.ts";
import { VolumeStore } from "../../src/volume/store.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

/** The thread that serves iSCSI, as the main thread sees it, and as libiscsi does. */

const lacking = lackingOf("iscsi-inq", "iscsi-ls");
const IQN = "iqn.2013-04.zone.sidus.target";
const chap = { user: "127.0.0.1", secret: "secret-of-node-1", mutual: undefined };

async function opened(stack: AsyncDisposableStack, grants: readonly VolumeGrant[]) {
  const directory = directoryOf({});
  const events: BootEvent[] = [];
  const failures: unknown[] = [];
  const options = {
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    iqn: IQN,
    volumes: join(directory, "volumes"),
    grants: async () => grants,
    present() {},
    tell: (event: BootEvent) => void events.push(event),
    warn: (text: string) => void failures.push(text),
    report: (what: string, error: unknown) => void failures.push([what, error]),
    failed: (error: unknown) => void failures.push(error),
  };
  const iscsi = stack.use(await openIscsi(options));
  const url = (user: string, volume: string) =>
    `iscsi://${user}127.0.0.1:${iscsi.local.port}/${IQN}:${volume}/0`;
  return { iscsi, options, events, failures, url };
}

async function run(tool: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(tool, args, { timeout: 20_000 });
  return stdout;
}

describe.skipIf(lacking !== undefined)(title("the thread that serves iSCSI", lacking), () => {
  test("asks whose volumes are whose, makes them, and tells of sessions", async () => {
    await using stack = new AsyncDisposableStack();
    const grant = { volume: "127.0.0.1", node: "127.0.0.1", bytes: 64 << 20, chap };
    const { iscsi, options, events, failures, url } = await opened(stack, [grant]);
    expect(await run("iscsi-ls", `iscsi://127.0.0.1:${iscsi.local.port}`)).toBe(
      `Target:${IQN}:127.0.0.1 Portal:127.0.0.1:${iscsi.local.port},1\n`,
    );
    await expect(run("iscsi-inq", url("", "127.0.0.1"))).rejects.toThrow(/[Aa]uthentication/);
    expect(await new VolumeStore(options.volumes).list()).toEqual([]);
    expect(await run("iscsi-inq", url(`${chap.user}%${chap.secret}@`, "127.0.0.1"))).toContain(
      "Vendor:SIDUS",
    );
    const made = await new VolumeStore(options.volumes).find("127.0.0.1");
    expect(made).toMatchObject([{ bytes: 64 << 20, allocatedBytes: 0 }]);
    await expect(run("iscsi-inq", url("", "other"))).rejects.toThrow(/[Nn]ot found/);
    const outcomes = () => events.flatMap((one) => (one.kind === "session" ? [one.outcome] : []));
    await expect.poll(outcomes).toEqual(["began", "ended"]);
    expect(events).toContainEqual(expect.objectContaining({ target: `${IQN}:127.0.0.1` }));
    const users = () =>
      usersIn({ directory: options.volumes, sockets: localSockets, clock: systemClock });
    await expect.poll(users).toEqual(new Map());
    expect(failures).toEqual([]);
  });

  test("a port that is taken, and volumes that another process has, are refused in one line", async () => {
    await using stack = new AsyncDisposableStack();
    const { iscsi, options } = await opened(stack, []);
    const again = openIscsi({ ...options, local: iscsi.local });
    await expect(again).rejects.toThrow(UserError);
    const elsewhere = openIscsi(options);
    await expect(elsewhere).rejects.toThrow(/volumes is in use: another sidus serves it/);
  });
});
