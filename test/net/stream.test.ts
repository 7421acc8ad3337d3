import { once } from "node:events";
import { readdirSync } from "node:fs";
import net from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Ipv4, LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { type StreamSocket, streamConnector } from "../../src/net/stream.ts";
import { SeededRandom } from "../sim/random.ts";

const CHUNK_BYTES = 64 * 1024;

const connect = streamConnector(CHUNK_BYTES);

/** A connection, and all that was told of it. */
class Conversation {
  readonly told: string[] = [];
  readonly parts: Buffer[] = [];
  bytes = 0;
  readonly socket: StreamSocket;
  readonly #closed = Promise.withResolvers<string | undefined>();

  constructor(
    port: number,
    more: {
      readonly from?: Ipv4;
      readonly localPort?: number;
      readonly opened?: () => void;
      readonly received?: (bytes: Buffer) => void;
    } = {},
  ) {
    const { from, localPort } = more;
    this.socket = connect(
      { server: { address: LOOPBACK_ADDRESS, port }, from: { address: from }, localPort },
      {
        opened: () => {
          this.told.push("opened");
          more.opened?.();
        },
        received: (chunk, length) => {
          const bytes = Buffer.from(chunk.bytes.subarray(0, length));
          this.bytes += length;
          this.parts.push(bytes);
          more.received?.(bytes);
        },
        closed: (code) => {
          this.told.push(`closed ${code}`);
          this.#closed.resolve(code);
        },
      },
    );
    onTestFinished(() => this.socket.destroy());
  }

  /** An error's code, once it was closed. */
  get closed(): Promise<string | undefined> {
    return this.#closed.promise;
  }

  get received(): Buffer {
    return Buffer.concat(this.parts);
  }
}

interface Listening {
  readonly port: number;
  readonly sockets: net.Socket[];
}

/** A server of Node's own; its connections end with the test. */
async function listen(accept: (socket: net.Socket) => void = () => {}): Promise<Listening> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    accept(socket);
  });
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 });
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { port: portOf(server), sockets };
}

const echo = (socket: net.Socket): void => void socket.pipe(socket);

function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a port");
  return address.port;
}

/** A port that nobody listens at. */
async function deadPort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

function randomBytes(length: number, seed: number): Buffer {
  const random = new SeededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

describe("a connection that is opened", () => {
  test("what is written before it is open arrives first, and the answer comes whole", async () => {
    const { port } = await listen(echo);
    const conversation: Conversation = new Conversation(port, {
      opened: () => conversation.socket.write(Buffer.from("second ")),
    });
    expect(conversation.socket.write(Buffer.from("first "))).toBe(false);
    await expect.poll(() => conversation.received.toString()).toBe("first second ");
    conversation.socket.write(Buffer.from("third"));
    await expect.poll(() => conversation.received.toString()).toBe("first second third");
    expect(conversation.told).toEqual(["opened"]);
  });

  test("more than buffers hold goes out as a slow reader takes it, in order", async () => {
    const sent = randomBytes(1 << 20, 1);
    const { port, sockets } = await listen((socket) => socket.pause());
    const conversation = new Conversation(port);
    await expect.poll(() => sockets.length).toBe(1);
    const [reader] = sockets;
    const pieces: boolean[] = [];
    const rounds = 12;
    for (let round = 0; round < rounds; round += 1) {
      pieces.push(conversation.socket.write(Buffer.from(sent)));
    }
    expect(pieces).toContain(false);
    const arrived: Buffer[] = [];
    reader?.on("data", (bytes) => {
      arrived.push(Buffer.from(bytes));
      reader.pause();
      setImmediate(() => reader.resume());
    });
    reader?.resume();
    const total = (): number => arrived.reduce((sum, { length }) => sum + length, 0);
    await expect.poll(total).toBe(rounds * sent.length);
    const whole = Buffer.concat(arrived);
    for (let round = 0; round < rounds; round += 1) {
      const start = round * sent.length;
      expect(whole.subarray(start, start + sent.length).equals(sent)).toBe(true);
    }
    // Everything is out: there is room again.
    await expect.poll(() => conversation.socket.write(Buffer.from("x"))).toBe(true);
  });

  test("answers longer than a chunk come in pieces of it", async () => {
    const sent = randomBytes(1 << 20, 2);
    const { port } = await listen((socket) => socket.write(sent));
    const conversation = new Conversation(port);
    await expect.poll(() => conversation.bytes).toBe(sent.length);
    expect(conversation.received.equals(sent)).toBe(true);
    expect(Math.max(...conversation.parts.map(({ length }) => length))).toBeLessThanOrEqual(
      CHUNK_BYTES,
    );
  });

  test("where nobody listens it is refused", async () => {
    const conversation = new Conversation(await deadPort());
    // Not before whoever opens it has it.
    expect(conversation.told).toEqual([]);
    expect(await conversation.closed).toBe("ECONNREFUSED");
    expect(conversation.told).toEqual(["closed ECONNREFUSED"]);
  });

  test("a server that ends it without more is no error", async () => {
    const { port } = await listen((socket) => socket.end("bye"));
    const conversation = new Conversation(port);
    expect(await conversation.closed).toBeUndefined();
    expect(conversation.received.toString()).toBe("bye");
    expect(conversation.told).toEqual(["opened", "closed undefined"]);
    expect(conversation.socket.write(Buffer.from("too late"))).toBeTypeOf("boolean");
  });

  test("a server that resets it is told by the error's code", async () => {
    const { port, sockets } = await listen();
    const conversation = new Conversation(port);
    await expect.poll(() => sockets.length).toBe(1);
    sockets[0]?.resetAndDestroy();
    expect(await conversation.closed).toBe("ECONNRESET");
  });

  test("writing to what was reset ends it, once and later", async () => {
    const { port, sockets } = await listen();
    const conversation = new Conversation(port);
    await expect.poll(() => [sockets.length, conversation.told.length]).toEqual([1, 1]);
    sockets[0]?.resetAndDestroy();
    for (let times = 0; times < 3; times += 1) conversation.socket.write(Buffer.from("x"));
    expect(conversation.told).toEqual(["opened"]);
    expect(["ECONNRESET", "EPIPE"]).toContain(await conversation.closed);
    expect(conversation.told).toHaveLength(2);
  });

  test("it begins at the address and port that it is given", async () => {
    const { port, sockets } = await listen();
    const localPort = await deadPort();
    const from = 0x7f00_0203 as Ipv4;
    const conversation = new Conversation(port, { from, localPort });
    await expect.poll(() => [sockets.length, conversation.told.length]).toEqual([1, 1]);
    expect([sockets[0]?.remoteAddress, sockets[0]?.remotePort]).toEqual(["127.0.2.3", localPort]);
    const again = new Conversation(port, { from, localPort });
    expect(["EADDRINUSE", "EADDRNOTAVAIL"]).toContain(await again.closed);
  });

  test("an address that is not this machine's, and one that cannot be reached", async () => {
    const { port } = await listen();
    // RFC 5737: in documentation only.
    const foreign = new Conversation(port, { from: 0xc000_0201 as Ipv4 });
    expect(await foreign.closed).toBe("EADDRNOTAVAIL");
    const held = await listen();
    const taken = new Conversation(port, { localPort: held.port });
    expect(await taken.closed).toBe("EADDRINUSE");
  });

  test("after it was destroyed nothing is told", async () => {
    const { port, sockets } = await listen((socket) => socket.write("hello"));
    const early = new Conversation(port);
    early.socket.destroy();
    const refused = new Conversation(await deadPort());
    refused.socket.destroy();
    const atOpening: Conversation = new Conversation(port, {
      opened: () => atOpening.socket.destroy(),
    });
    const atReceiving: Conversation = new Conversation(port, {
      received: () => atReceiving.socket.destroy(),
    });
    await expect.poll(() => atReceiving.bytes).toBe(5);
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length).toBe(0);
    atReceiving.socket.destroy();
    expect([early.told, refused.told]).toEqual([[], []]);
    expect([atOpening.told, atReceiving.told]).toEqual([["opened"], ["opened"]]);
    expect(atOpening.bytes).toBe(0);
  });

  test("connections that end each other while they are told, and others in their place", async () => {
    const { port, sockets } = await listen((socket) => socket.write("x"));
    const before = descriptors();
    const all: Conversation[] = [];
    const heard = new Set<Conversation>();
    const destroyed = new Set<Conversation>();
    let wrong = 0;
    const open = (): void => {
      const conversation: Conversation = new Conversation(port, {
        received: () => {
          if (destroyed.has(conversation)) wrong += 1;
          heard.add(conversation);
          // Most of the others' bytes are there, too; theirs are closed first, and new ones get their descriptors.
          for (const other of all.slice(0, 20)) {
            if (other === conversation || destroyed.has(other)) continue;
            other.socket.destroy();
            destroyed.add(other);
            if (all.length < 60) open();
          }
        },
      });
      all.push(conversation);
    };
    for (let count = 0; count < 20; count += 1) open();
    await expect.poll(() => heard.size + destroyed.size).toBeGreaterThanOrEqual(all.length);
    expect(wrong).toBe(0);
    for (const conversation of all) conversation.socket.destroy();
    await expect.poll(() => sockets.every((socket) => socket.destroyed)).toBe(true);
    await expect.poll(() => descriptors()).toBeLessThanOrEqual(before);
  });

  test("five hundred at once, each with what is its own; none is left open", async () => {
    const { port, sockets } = await listen(echo);
    const before = descriptors();
    const all = Array.from({ length: 500 }, (_unused, index) => {
      const conversation = new Conversation(port);
      conversation.socket.write(Buffer.alloc(3000, index % 251));
      return conversation;
    });
    await expect.poll(() => all.every(({ bytes }) => bytes === 3000)).toBe(true);
    for (const [index, conversation] of all.entries()) {
      expect(conversation.received.equals(Buffer.alloc(3000, index % 251))).toBe(true);
      conversation.socket.destroy();
    }
    await expect.poll(() => sockets.filter(({ destroyed }) => destroyed).length).toBe(500);
    await expect.poll(() => descriptors()).toBeLessThanOrEqual(before);
  });
});
