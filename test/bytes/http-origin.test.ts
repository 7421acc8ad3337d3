import { expect, test } from "vitest";
import { httpOrigin } from "../../src/bytes/http-origin.ts";
import { ipv4 } from "../../src/bytes/ipv4.ts";

test("a URL's beginning: the usual port is left out", () => {
  expect(httpOrigin(ipv4(0x0a0d_1401), 80)).toBe("http://10.13.20.1");
  expect(httpOrigin(ipv4(0x0a0d_1401), 8080)).toBe("http://10.13.20.1:8080");
});
