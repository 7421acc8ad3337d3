import { once } from "node:events";
import { expect, test } from "vitest";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { decodePacket } from "../../../src/dhcp/packet.ts";
import { serveProxyDhcp } from "../../../src/dhcp/proxy/server.ts";
import type { Endpoint } from "../../../src/net/endpoint.ts";
import { openUdp } from "../../../src/net/udp.ts";
import { UserError } from "../../../src/user-error.ts";
import { address, clientMessage, data, firmware, numberedMac, proxySettings } from "./room.ts";

/** On the loopback network. test/interop/proxy.test.ts does the rest. */

const SERVER = address("127.0.0.1");
const CLIENT = address("127.0.0.60");
const report = (what: string, error: unknown) => {
  throw new Error(what, { cause: error });
};

function serve(serverAddress: typeof SERVER, clientPort: number) {
  const settings = proxySettings({ serverAddress });
  return serveProxyDhcp({
    settings: () => settings,
    ports: { server: 0, client: clientPort, proxy: 0 },
    learn: () => {},
    tell: () => {},
    report,
  });
}

test("both ports answer from the address that was asked; 4011 to the port that asked", async () => {
  const heard = new EventTarget();
  const receive = (bytes: Uint8Array, from: Endpoint) => {
    heard.dispatchEvent(new CustomEvent("reply", { detail: { bytes: bytes.slice(), from } }));
  };
  await using client = await openUdp({ local: { address: CLIENT, port: 0 }, receive, report });
  await using other = await openUdp({ local: { address: CLIENT, port: 0 }, receive, report });
  await using server = await serve(SERVER, client.local.port);
  const ask = async (type: number, port: number, socket = client) => {
    const reply = once(heard, "reply");
    const message = clientMessage({
      type,
      mac: numberedMac(1),
      ciaddr: CLIENT,
      more: firmware(7),
    });
    socket.send(message, { address: SERVER, port });
    const [event] = await reply;
    const packet = decodePacket(event.detail.bytes);
    if (isMalformed(packet)) throw new Error(packet.malformed);
    return { type: data(packet, 53), from: event.detail.from };
  };
  expect(await ask(8, server.ports.server)).toEqual({
    type: [5],
    from: { address: SERVER, port: server.ports.server },
  });
  expect(await ask(3, server.ports.proxy, other)).toEqual({
    type: [5],
    from: { address: SERVER, port: server.ports.proxy },
  });
  expect(server.nodeAt(CLIENT)).toMatchObject({ mac: numberedMac(1), architecture: 7 });
  expect(server.addressOf(numberedMac(1))).toBe(CLIENT);
});

test("an address that the machine does not have is one line that says what to do", async () => {
  await expect(serve(address("192.0.2.1"), 68)).rejects.toThrow(UserError);
});
