import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { inInitrd } from "./initrd.ts";

const lacking = lackingOf("root", "unshare", "busybox", "findmnt");

const files = {
  "etc/sidus/tree": "name: room\nsuite: bookworm\nbuilt: 2026-01-01T00:00:00.000Z\nsidus: 0.1.0\n",
  "boot.state": "layer: tmpfs\nunion: overlay\n",
};
const node = "mkdir -p /run/sidus; cp /boot.state /run/sidus/boot; hostname node1 2>/dev/null;";
const up = "/sidus/usr/lib/sidus/up";

describe.skipIf(lacking !== undefined)(title("sidus-up", lacking), () => {
  test("the console says which tree the node runs, with or without a server to tell", () => {
    const { status, console } = inInitrd(directoryOf({}), {
      commandLine: "aufs=tmpfs",
      files,
      run: `${node} ${up}`,
    });
    expect(status).toBe(0);
    expect(console).toMatch(/^\r\nsidus: \S+ runs room \(kernel \S+\), layer tmpfs\r\n$/);
  });

  const digest = "0123456789abcdef".repeat(4);
  const other = "89abcdef01234567".repeat(4);
  const begunOn = (base: string) => ({
    ...files,
    "boot.state": `layer: iscsi\nunion: overlay\nbase: room@${base}\n`,
  });

  test.each([
    [digest, ", image room@0123456789ab, layer iscsi\r\n"],
    [other, ", image room@0123456789ab, layer iscsi begun on room@89abcdef0123\r\n"],
  ])(
    "the console shows the sealed version, and the one the layer was begun on (%s) if another",
    (base, shown) => {
      const { console } = inInitrd(directoryOf({}), {
        commandLine: `aufs=iscsi sidus.image=room@${digest}`,
        files: begunOn(base),
        run: `${node} ${up}`,
      });
      expect(console).toContain(shown);
    },
  );

  test("the server gets a POST of `key: value` lines, with a length that is right", () => {
    // The network is a private one, so its server is inside too: it keeps what it is sent.
    const { status, stdout } = inInitrd(directoryOf({}), {
      commandLine: `sidus.up=http://127.0.0.1:8099/up aufs=iscsi sidus.image=room@${digest}`,
      files: {
        ...begunOn(other),
        answer: "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        "sbin/keep": "#!/bin/sh\ncat /answer\nhead -c 1000 >/request\n",
      },
      run: `${node}
        busybox nc -l -p 8099 -e /sbin/keep &
        sleep 0.5
        ${up}; status=$?
        wait
        cat /request
        exit $status`,
    });
    expect(status, stdout).toBe(0);
    const [head = "", body = ""] = stdout.split("\r\n\r\n");
    expect(head.split("\r\n")).toEqual([
      "POST /up HTTP/1.1",
      "Host: 127.0.0.1:8099",
      "Content-Type: text/plain",
      `Content-Length: ${body.length}`,
      "Connection: close",
    ]);
    expect(body.split("\n").map((line) => line.replace(/: .*/, ""))).toEqual([
      ...["host", "tree", "built", "kernel", "uptime", "root", "layer"],
      ...["digest", "base"],
      "",
    ]);
    expect(body).toContain(`\ndigest: ${digest}\nbase: ${other}\n`);
    expect(body).toMatch(/^root: overlay$/m);
    expect(body).toContain("tree: room\nbuilt: 2026-01-01T00:00:00.000Z\n");
    expect(body).toContain("layer: iscsi\n");
  });

  test("a server that does not answer is tried again, a bounded number of times", () => {
    const { status, stderr } = inInitrd(directoryOf({}), {
      commandLine: "sidus.up=http://127.0.0.1:8099/up",
      files: { ...files, "stub/sleep": "#!/bin/sh\necho pause $1 >&2\n" },
      run: `${node} PATH=/stub:$PATH ${up}`,
    });
    expect(status).toBe(1);
    expect(stderr.match(/pause \d/g)).toEqual([
      "pause 1",
      "pause 2",
      "pause 4",
      "pause 8",
      "pause 0",
    ]);
    expect(stderr).toContain("no answer from http://127.0.0.1:8099/up");
  });
});
