import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Chromium without a display, driven over its own protocol (chromedevtools.github.io/devtools-protocol). */
export interface Browser extends AsyncDisposable {
  open(url: string, view: View): Promise<Tab>;
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export interface Tab extends AsyncDisposable {
  /** Of an expression's value. */
  evaluate<T>(expression: string): Promise<T>;
  press(key: string): Promise<void>;
  /** All of the page as PNG. */
  picture(): Promise<Buffer>;
  /** What the browser complained of: errors of the page, and of its policy. */
  readonly complaints: readonly string[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export async function openBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "sidus-browser-"));
  const child = spawn(
    "chromium",
    [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--hide-scrollbars",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(child, "exit");
  const found = Promise.withResolvers<string>();
  void ended.then(() => found.reject(new Error("chromium ended")));
  createInterface({ input: child.stderr }).on("line", (line) => {
    const [, url] = /^DevTools listening on (ws:\S+)/.exec(line) ?? [];
    if (url !== undefined) found.resolve(url);
  });
  const wire = await openWire(await found.promise);
  return {
    open: (url, view) => openTab(wire, url, view),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

interface Wire {
  ask(
    method: string,
    params?: object,
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>>;
  hear(heard: (message: Message) => void): void;
}

async function openWire(url: string): Promise<Wire> {
  const socket = new WebSocket(url);
  const asked = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>();
  const hearers: ((message: Message) => void)[] = [];
  let id = 0;
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    for (const hear of hearers) hear(message);
    const waiting = asked.get(message.id ?? 0);
    if (message.error === undefined) waiting?.resolve(message.result ?? {});
    else waiting?.reject(new Error(message.error.message));
  });
  await once(socket, "open");
  return {
    hear: (heard) => void hearers.push(heard),
    ask(method, params = {}, sessionId) {
      id += 1;
      const answer = Promise.withResolvers<Readonly<Record<string, unknown>>>();
      asked.set(id, answer);
      socket.send(JSON.stringify({ id, method, params, sessionId }));
      return answer.promise;
    },
  };
}

async function openTab(wire: Wire, url: string, { width, height, scheme }: View): Promise<Tab> {
  const { targetId } = await wire.ask("Target.createTarget", { url: "about:blank" });
  const attached = await wire.ask("Target.attachToTarget", { targetId, flatten: true });
  const sessionId = String(attached["sessionId"]);
  const ask = (method: string, params?: object) => wire.ask(method, params, sessionId);
  const complaints: string[] = [];
  wire.hear((message) => {
    if (message.sessionId !== sessionId) return;
    const { method, params } = message;
    const entry = params?.["entry"];
    const isError = JSON.stringify(entry ?? {}).includes('"level":"error"');
    if (method === "Runtime.exceptionThrown" || isError) complaints.push(JSON.stringify(params));
  });
  await ask("Runtime.enable");
  await ask("Log.enable");
  await ask("Emulation.setDeviceMetricsOverride", {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: width < 600,
  });
  await ask("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: scheme }],
  });
  await ask("Page.enable");
  await ask("Page.navigate", { url });
  return {
    complaints,
    async evaluate<T>(expression: string) {
      const found = await ask("Runtime.evaluate", {
        expression,
        returnByValue: true,
        awaitPromise: true,
      });
      return (found["result"] as { value: T }).value;
    },
    async press(key) {
      for (const type of ["keyDown", "keyUp"]) {
        const text = key === "Enter" ? "\r" : undefined;
        await ask("Input.dispatchKeyEvent", { type, key, code: key, text });
      }
    },
    async picture() {
      const shot = await ask("Page.captureScreenshot", {
        format: "png",
        captureBeyondViewport: false,
      });
      return Buffer.from(String(shot["data"]), "base64");
    },
    async [Symbol.asyncDispose]() {
      await wire.ask("Target.closeTarget", { targetId });
    },
  };
}
