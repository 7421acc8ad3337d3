import { statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { askReload, openControl } from "../../src/cli/control.ts";
import { CONTROL_LINE_BYTES_MAX } from "../../src/limits.ts";
import { UserError } from "../../src/user-error.ts";
import { directoryOf } from "../sidus.ts";

const nothing = { reload: async () => {}, report: () => {} };

describe("the server's control socket", () => {
  test("a reload is asked for, and is done when it is answered", async () => {
    const state = join(directoryOf({}), "state");
    let isDone = false;
    const reload = async (): Promise<void> => {
      await Promise.resolve();
      isDone = true;
    };
    await using _control = await openControl({ ...nothing, state, reload });
    expect(await askReload(state)).toBe("reloaded");
    expect(isDone).toBe(true);
  });

  test("what is wrong with the configuration is answered; what is wrong with us is reported", async () => {
    const state = directoryOf({});
    const reported: unknown[] = [];
    const errors = [new UserError("sidus.yaml:7: nodes: wrong"), new TypeError("ours")];
    await using _control = await openControl({
      state,
      report: (_, error) => reported.push(error),
      async reload() {
        throw errors.shift();
      },
    });
    expect(await askReload(state)).toEqual({ error: "sidus.yaml:7: nodes: wrong" });
    expect(reported).toEqual([]);
    expect(await askReload(state)).toEqual({ error: "it failed; the server's log says more" });
    expect(reported).toHaveLength(1);
  });

  test("nobody is there: with no socket, and with one that a dead server left", async () => {
    const state = directoryOf({});
    expect(await askReload(state)).toBe("not-running");
    expect(await askReload(join(state, "nowhere"))).toBe("not-running");
    {
      await using _control = await openControl({ ...nothing, state });
    }
    expect(await askReload(state)).toBe("not-running");
    await using _again = await openControl({ ...nothing, state });
    expect(await askReload(state)).toBe("reloaded");
  });

  test("only its owner may open it", async () => {
    const state = directoryOf({});
    await using _control = await openControl({ ...nothing, state });
    expect(statSync(join(state, "control.sock")).mode & 0o777).toBe(0o600);
  });

  test("a second server with the same state is told so", async () => {
    const state = directoryOf({});
    await using _control = await openControl({ ...nothing, state });
    await expect(openControl({ ...nothing, state })).rejects.toThrow(
      /control\.sock is another server's: stop it, or set another `state:`/,
    );
    expect(await askReload(state)).toBe("reloaded");
  });

  test("a directory that cannot be made is one line", async () => {
    const file = join(directoryOf({ file: "" }), "file");
    await expect(openControl({ ...nothing, state: file })).rejects.toThrow(UserError);
  });

  test("what is no question is refused; too much of it is cut off; others are still heard", async () => {
    const state = directoryOf({});
    await using _control = await openControl({ ...nothing, state });
    const path = join(state, "control.sock");
    for (const line of ["", "{", "[]", "null", '{"ask":"stop"}', '{"ask":["reload"]}']) {
      const socket = connect(path);
      const answer = new Promise((resolve) => socket.once("data", (data) => resolve(`${data}`)));
      socket.write(`${line}\n`);
      expect(await answer).toBe('{"is":"refused","error":"the server knows no such question"}\n');
      socket.destroy();
    }
    const socket = connect(path);
    socket.on("error", () => {});
    socket.write("x".repeat(CONTROL_LINE_BYTES_MAX + 1));
    expect(await text(socket).catch(() => "")).toBe("");
    expect(await askReload(state)).toBe("reloaded");
  });
});
