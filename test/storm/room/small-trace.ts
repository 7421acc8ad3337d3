import type { Trace } from "../../../src/storm/trace/trace.ts";

/** As much of a boot as a tree is made from. */
export const smallTrace: Trace = {
  about: {
    title: "BIOS, tmpfs",
    firmware: "bios",
    layer: "tmpfs",
    recordedAt: "2026-01-01T00:00:00Z",
    kernel: "6.1.0-56-amd64",
    mac: "52:54:00:13:20:01",
    address: "10.13.20.11",
  },
  files: [
    { path: "", type: "directory", size: 4096 },
    { path: "lib", type: "link", size: 7 },
    { path: "usr", type: "directory", size: 4096 },
    { path: "usr/bin/dash", type: "file", size: 125_688 },
    { path: "usr/bin/sh", type: "link", size: 4 },
    { path: "etc/ld.so.preload", type: "missing", size: 0 },
    { path: "etc/empty", type: "file", size: 0 },
    { path: "dev/null", type: "other", size: 0 },
  ],
  steps: [
    file("tftp", "loader", "lpxelinux.0", 91_726),
    file("http", "config", "/pxelinux.cfg/default", 300),
    file("http", "kernel", "/boot/demo/vmlinuz", 1_500_000),
    file("http", "initrd", "/boot/demo/initrd.img", 3_000_001),
  ],
};

function file(
  kind: "tftp" | "http",
  role: "loader" | "config" | "kernel" | "initrd",
  path: string,
  bytes: number,
): Trace["steps"][number] {
  return { after: -1, think: 0, deed: { kind, role, path, options: [], ends: "whole", bytes } };
}
