import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { SeededRandom } from "../sim/random.ts";
import { bytesOf } from "../tree/random-tree.ts";

/**
 * All that a Debian tree has nothing or little of: names that are no text, devices, FIFOs, sockets, links by the
 * hundred, strange owners, modes and times. Made by root. Paths are bytes, as latin1 strings.
 */

const FEW = 300;
/** Entries of the one large directory. */
const MANY = 5000;

/** Into an empty directory. */
export function writeOddTree(root: string): void {
  const random = new SeededRandom(0x0dd);
  writeMany(`${root}/many`);
  writeSizes(`${root}/sizes`, random);
  writeNames(`${root}/names`);
  writeModes(`${root}/modes`);
  writeOwners(`${root}/owners`);
  writeLinks(`${root}/links`);
  writeSymlinks(`${root}/symlinks`);
  writeSpecial(`${root}/special`);
  writeDeep(`${root}/deep`);
  writeHoles(`${root}/holes`);
  // Last: what is written into a directory changes its time.
  writeTimes(`${root}/times`);
}

function directory(path: string): void {
  mkdirSync(bytesOf(path));
}

function file(path: string, content: string | Uint8Array): void {
  writeFileSync(bytesOf(path), content);
}

function writeMany(path: string): void {
  directory(path);
  for (let number = 0; number < MANY; number += 1) file(`${path}/entry-${number}`, `${number}\n`);
}

/** Around blocks, pages, and what one READ takes. */
function writeSizes(path: string, random: SeededRandom): void {
  directory(path);
  for (const edge of [1, 64, 512, 4096, 8192, 65_536, 131_072, 1 << 20, 5 << 20]) {
    for (const size of [edge - 1, edge, edge + 1]) file(`${path}/${size}`, random.bytes(size));
  }
  for (let number = 0; number < FEW; number += 1) {
    file(`${path}/some-${number}`, random.bytes(random.below(20_000)));
  }
}

function writeNames(path: string): void {
  directory(path);
  for (let byte = 1; byte < 256; byte += 1) {
    const letter = String.fromCharCode(byte);
    if (letter === "/") continue;
    if (letter !== ".") file(`${path}/${letter}`, `${byte}`);
    file(`${path}/two${letter}${letter}`, "");
    file(`${path}/${letter.repeat(250)}`, "250");
    file(`${path}/${letter.repeat(250)}-end`, "254");
  }
  const utf8 = ["é", "e\u0301", "日本語", "😀", "Ω".repeat(127)];
  for (const name of utf8) file(`${path}/${Buffer.from(name).toString("latin1")}`, name);
  for (const name of ["...", " ", "a b", "A", "a", "-rf", "*", "name@0123456789abcdef"]) {
    file(`${path}/ ${name}`, name);
  }
}

function writeModes(path: string): void {
  directory(path);
  for (let bit = 0; bit < 12; bit += 1) {
    for (const mode of [1 << bit, 0o7777 ^ (1 << bit), 0o755 ^ (1 << bit)]) {
      const name = `${path}/${mode.toString(8)}`;
      writeFileSync(name, "");
      chmodSync(name, mode);
      mkdirSync(`${name}.d`);
      chmodSync(`${name}.d`, mode);
    }
  }
}

function writeOwners(path: string): void {
  directory(path);
  for (const owner of [0, 1, 1000, 65_534, 65_536, 2 ** 31, 2 ** 32 - 2]) {
    for (const group of [0, 65_535, 2 ** 32 - 2]) {
      const name = `${path}/${owner}-${group}`;
      writeFileSync(name, "");
      chownSync(name, owner, group);
    }
  }
}

function writeLinks(path: string): void {
  directory(path);
  for (const place of ["one", "two", "three"]) directory(`${path}/${place}`);
  file(`${path}/one/first`, "one content, many names");
  for (let number = 0; number < FEW; number += 1) {
    linkSync(`${path}/one/first`, `${path}/${number % 2 === 0 ? "two" : "three"}/${number}`);
  }
  for (let number = 0; number < FEW; number += 1) {
    file(`${path}/one/pair-${number}`, `${number}`);
    linkSync(`${path}/one/pair-${number}`, `${path}/two/pair-${number}`);
  }
}

function writeSymlinks(path: string): void {
  directory(path);
  const targets = ["/", ".", "..", "nowhere", "itself", "a/".repeat(2000), "x".repeat(4095)];
  for (const [number, target] of targets.entries()) symlinkSync(target, `${path}/${number}`);
  symlinkSync(Buffer.from("\xff\xfe\n/\x01", "latin1"), `${path}/no-text`);
  symlinkSync("itself", `${path}/itself`);
  for (let length = 1; length < 100; length += 1) {
    symlinkSync("t".repeat(length), `${path}/length-${length}`);
  }
  linkSync(`${path}/nowhere`.replace("nowhere", "3"), `${path}/hard-link-to-a-link`);
}

function writeSpecial(path: string): void {
  directory(path);
  const devices = [
    ["b", 0, 0],
    ["b", 8, 1],
    ["b", 259, 1_048_575],
    ["c", 1, 3],
    ["c", 255, 255],
    ["c", 256, 256],
    ["c", 4095, 1_048_575],
  ] as const;
  for (const [type, major, minor] of devices) {
    const name = `${path}/${type}-${major}-${minor}`;
    execFileSync("mknod", ["--mode=640", name, type, String(major), String(minor)]);
  }
  execFileSync("mkfifo", ["--mode=604", `${path}/fifo`]);
  linkSync(`${path}/fifo`, `${path}/fifo-again`);
  const bind = "socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un shift or die $!";
  execFileSync("perl", ["-MSocket", "-e", bind, `${path}/socket`]);
}

function writeDeep(path: string): void {
  let place = path;
  directory(place);
  for (let depth = 0; depth < 60; depth += 1) {
    place += `/${depth}-deeper`;
    directory(place);
  }
  file(`${place}/bottom`, "bottom");
}

/** Written here and there: what lies between was never written. */
function writeHoles(path: string): void {
  directory(path);
  writeAt(`${path}/some`, 8 << 20, [0, 1_234_567, 4 << 20]);
  writeAt(`${path}/nothing`, 1 << 20, []);
}

/** What no image has: names of 255 bytes, which mkfs.erofs refuses, and more than 4 GiB, all zeros of which it writes. */
export function writeUnsealableTree(root: string): void {
  for (const letter of ["a", "\xff", "\n"]) file(`${root}/${letter.repeat(255)}`, letter);
  writeAt(`${root}/big`, 2 ** 32 + 300_000_000, [
    0,
    2 ** 31 - 3,
    2 ** 32 - 3,
    2 ** 32 + 12_345_678,
  ]);
}

function writeAt(path: string, size: number, places: readonly number[]): void {
  const descriptor = openSync(path, "w");
  ftruncateSync(descriptor, size);
  for (const place of places) writeSync(descriptor, `here: ${place}`, place);
  closeSync(descriptor);
}

function writeTimes(path: string): void {
  directory(path);
  const times = [
    "0.000000001",
    "0.999999999",
    "1000000000",
    "2147483647.5",
    "2147483648.123456789",
  ];
  times.push("4294967295.999999999");
  for (const time of times) {
    const names = [`${path}/file-${time}`, `${path}/link-${time}`, `${path}/directory-${time}`];
    const [plain = "", link = "", folder = ""] = names;
    file(plain, time);
    symlinkSync(time, link);
    directory(folder);
    execFileSync("touch", ["--no-dereference", `--date=@${time}`, ...names]);
  }
}

/** What an administrator does to a directory that is served. */
export function changeOddTree(root: string): void {
  file(`${root}/sizes/new`, "another content in the old one's place");
  renameSync(`${root}/sizes/new`, `${root}/sizes/65536`);
  file(`${root}/sizes/4096`, "written anew");
  renameSync(`${root}/links/one/first`, `${root}/names/moved here`);
  renameSync(`${root}/deep/0-deeper`, `${root}/times/0-deeper`);
  for (let number = 0; number < MANY; number += 3) {
    renameSync(`${root}/many/entry-${number}`, `${root}/links/two/entry-${number}`);
  }
  chmodSync(`${root}/modes`, 0o711);
  execFileSync("rm", ["--recursive", `${root}/special`, `${root}/symlinks/0`]);
}
