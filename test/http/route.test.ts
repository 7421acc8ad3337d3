import { describe, expect, test } from "vitest";
import { routeOf } from "../../src/http/route.ts";

const file = (path: string) => ({ kind: "file", path });

describe("what a request line asks for", () => {
  test.each([
    ["GET", "/vmlinuz", file("/vmlinuz")],
    ["HEAD", "/a/b.img", file("/a/b.img")],
    ["GET", "/", file("/")],
    ["GET", "/a%20b%2Fc%c3%a9", file("/a b/cé")],
    ["GET", "/a+b", file("/a+b")],
    ["GET", "/file?mac=52:54:00:77:00:01#top", file("/file")],
    ["GET", "/up/", file("/up/")],
    ["GET", "/../etc/shadow", file("/../etc/shadow")],
    ["GET", "/%00", file("/\0")],
    // RFC 9112 §3.2.2: the absolute form must be taken, too.
    ["GET", "http://10.77.0.1/vmlinuz", file("/vmlinuz")],
    ["GET", "HTTP://host:8080", file("/")],
    ["GET", "/status.json", { kind: "status" }],
    ["HEAD", "/status.json", { kind: "status" }],
    ["GET", "/explain.json?mac=52:54:00:77:00:0A", { kind: "explain", mac: "52540077000a" }],
    ["GET", "/explain.json?x=1&mac=52-54-00-77-00-01#x", { kind: "explain", mac: "525400770001" }],
    ["GET", "http://h/explain.json?mac=525400770001", { kind: "explain", mac: "525400770001" }],
    [
      "GET",
      "/explain.json?mac=52%3A54%3A00%3A77%3A00%3A01",
      { kind: "explain", mac: "525400770001" },
    ],
    ["POST", "/up", { kind: "up" }],
    ["POST", "/%75p?x", { kind: "up" }],
  ])("%s %s", (method, target, route) => {
    expect(routeOf(method, target)).toEqual(route);
  });

  test.each([
    ["/", "text/html,application/xhtml+xml,*/*;q=0.8", true],
    // Firmware and loaders that ask for it, and curl.
    ["/", "*/*", false],
    ["/", undefined, false],
    ["/events", undefined, true],
    ["/metrics?x", "*/*", true],
    ["/%6detrics", "*/*", true],
    ["/history.json?mac=525400770001", undefined, true],
    ["/page/page.js", undefined, true],
    // An export of that name is served as any other.
    ["/page/boot/vmlinuz", "text/html", false],
    ["/metrics/", "text/html", false],
    ["/vmlinuz", "text/html", false],
  ])("%s, asked for as %s: the page %s", (target, accept, isPage) => {
    expect(routeOf("GET", target, accept).kind).toBe(isPage ? "page" : "file");
  });

  test.each([
    ["GET", "/up", "POST"],
    ["POST", "/events", "GET, HEAD"],
    ["HEAD", "/up", "POST"],
    ["POST", "/vmlinuz", "GET, HEAD"],
    ["PUT", "/vmlinuz", "GET, HEAD"],
    ["DELETE", "/status.json", "GET, HEAD"],
    ["OPTIONS", "/vmlinuz", "GET, HEAD"],
  ])("RFC 9110 §15.5.6: %s %s is not allowed, but %s is", (method, target, allow) => {
    expect(routeOf(method, target)).toEqual({ kind: "bad-method", allow });
  });

  test.each([
    "",
    "*",
    "/explain.json",
    "/explain.json?mac=x",
    "vmlinuz",
    "/%",
    "/%g0",
    "/%1",
    "/%ff",
    "ftp://host/file",
    "host:80",
  ])("%j is no target", (target) => {
    expect(routeOf("GET", target)).toEqual({ kind: "bad-target" });
  });
});
