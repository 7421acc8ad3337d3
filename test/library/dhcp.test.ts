import { expect, test } from "vitest";
import { type DhcpServerOptions, serveDhcp, UserError } from "../../src/library/dhcp.ts";

const network = "127.0.0.0/8";
const subnets = [{ network, ranges: ["127.0.0.50-127.0.0.99"] }];

test.each<[string, Partial<DhcpServerOptions>]>([
  ["port", { port: 0 }],
  ["port", { port: 65_535 }],
  ["port", { port: 67.5 }],
  ["leaseSeconds", { subnets: [{ network, leaseSeconds: 60 }] }],
  ["leaseSeconds", { subnets: [{ network, leaseSeconds: Number.NaN }] }],
  ["leaseSeconds", { subnets: [{ network, leaseSeconds: 2 ** 32 }] }],
  ["ranges", { subnets: [{ network, ranges: ["127.0.0.50"] }] }],
  ["ranges", { subnets: [{ network, ranges: ["127.255.0.0-128.0.0.0"] }] }],
])("options that make no sense are said before anything listens: %s, %j", async (option, wrong) => {
  const serving = serveDhcp({ host: "127.0.0.1", port: 6767, subnets, ...wrong });
  await expect(serving).rejects.toThrow(UserError);
  await expect(serving).rejects.toThrow(`${option}: expected`);
});
