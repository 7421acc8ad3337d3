import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import {
  makeKey,
  publicFileOf,
  readPrivateKey,
  readPublicKey,
  readPublicPem,
} from "../../../src/image/store/keys.ts";
import { signManifest } from "../../../src/image/store/signature.ts";
import { decodeSignature, requireSigned, signerOf } from "../../../src/image/store/signed.ts";
import { linkFault, verifyVersion } from "../../../src/image/store/verify.ts";
import {
  manifestFile,
  sbomFile,
  signatureFile,
  versionFile,
} from "../../../src/image/store/versions.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { flipBit, newKey, newStore, otherKey, seal } from "./sealed.ts";

const lacking = lackingOf("mkfs.erofs");
const lackingOpenssl = lackingOf("mkfs.erofs", "openssl");

async function signedVersion() {
  const store = newStore();
  const key = newKey();
  const { digest } = await seal(store, { file: "text", "etc/motd": "hello" }, { key: key.file });
  const directory = store.directoryOf("room");
  const keys = [readPublicKey(key.publicFile)];
  const verify = async (mustBeSigned = true) =>
    (await verifyVersion({ store, name: "room", digest, keys, mustBeSigned })).faults;
  const pem = [readPublicPem(key.publicFile)];
  const serve = (name = "room") => requireSigned({ directory, name, digest }, pem);
  const file = (of: (digest: string) => string) => join(directory, of(digest));
  return { store, key, digest, directory, keys, verify, serve, file };
}

describe("a key", () => {
  test("has a private half for its owner only, and is never replaced", () => {
    const { file, publicFile, fingerprint } = newKey();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(publicFile).mode & 0o777).toBe(0o644);
    expect(readPublicKey(publicFile).fingerprint).toBe(fingerprint);
    expect(readPrivateKey(file).asymmetricKeyType).toBe("ed25519");
    const before = readFileSync(file);
    expect(() => makeKey(file)).toThrow(`${file} is already there: a key is never replaced`);
    rmSync(file);
    expect(() => makeKey(file)).toThrow(`${publicFile} is already there`);
    writeFileSync(file, before);
  });

  test("of another kind, the wrong half, or no key at all is refused by name", () => {
    const { file, publicFile } = newKey();
    const none = join(directoryOf({ none: "no key" }), "none");
    for (const wrong of [publicFile, otherKey(), none]) {
      expect(() => readPrivateKey(wrong)).toThrow(`${wrong}: expected a private key of Ed25519`);
    }
    for (const wrong of [file, otherKey(), none]) {
      expect(() => readPublicPem(wrong)).toThrow(`${wrong}: expected a public key of Ed25519`);
    }
    expect(() => readPublicPem("/nowhere")).toThrow("the public key /nowhere cannot be read");
  });
});

describe("a signature's text", () => {
  test("is one line of JSON, in one way only: no changed bit is the same signature", async () => {
    const key = newKey();
    const manifest = join(directoryOf({ "x.json": "{}" }), "x.json");
    signManifest(manifest, key.file);
    const text = readFileSync(manifest.replace("json", "sig"), "utf8");
    const good = decodeSignature(text);
    if (isMalformed(good)) throw new Error(good.malformed);
    expect(text).toBe(
      `{"key":"${key.fingerprint}","ed25519":"${good.bytes.toString("base64")}"}\n`,
    );
    for (let bit = 0; bit < text.length * 8; bit += 1) {
      const bytes = Buffer.from(text);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const other = decodeSignature(bytes.toString("latin1"));
      const isSame =
        !isMalformed(other) && other.key === good.key && other.bytes.equals(good.bytes);
      expect(isSame, `bit ${bit}`).toBe(false);
    }
  });

  test("of any other shape is malformed", () => {
    fc.assert(
      fc.property(fc.string(), (text) => isMalformed(decodeSignature(text))),
      { numRuns: 200 },
    );
  });
});

describe.skipIf(lacking)(title("a signed version", lacking), () => {
  test("is good by its key; without it, or by another, it is not", async () => {
    const { store, digest, directory, key, verify, serve } = await signedVersion();
    expect(await verify()).toEqual([]);
    expect(signerOf(directory, digest)).toBe(key.fingerprint);
    serve();
    const other = newKey();
    expect(() =>
      requireSigned({ directory, name: "room", digest }, [readPublicPem(other.publicFile)]),
    ).toThrow(/is not served: the key that signed it is not one of image-keys: [0-9a-f]{12}$/);
    const keys = [readPublicKey(other.publicFile)];
    const by = await verifyVersion({ store, name: "room", digest, keys, mustBeSigned: true });
    expect(by.faults).toEqual([`it is signed by another key: ${key.fingerprint.slice(0, 12)}`]);
    expect(() => requireSigned({ directory, name: "room", digest }, [])).toThrow("image-keys");
  });

  test("that nobody signed is refused; signing it mends that", async () => {
    const { file, verify, serve, key } = await signedVersion();
    rmSync(file(signatureFile));
    expect(await verify()).toEqual(["it is not signed"]);
    expect(await verify(false)).toEqual([]);
    expect(() => serve()).toThrow("it is not signed, as image-keys wants it");
    signManifest(file(manifestFile), key.file);
    serve();
  });

  test("any flipped bit of what there is of it is found; a manifest or signature is not served then", async () => {
    const { file, verify, serve } = await signedVersion();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(versionFile, manifestFile, signatureFile, sbomFile),
        fc.nat(100_000),
        async (of, bit) => {
          flipBit(file(of), bit);
          expect(await verify()).not.toEqual([]);
          // The image's own bytes are compared where it is opened; nodes have no use for the other.
          if (of === versionFile || of === sbomFile) serve();
          else expect(() => serve()).toThrow("is not served: ");
          flipBit(file(of), bit);
          expect(await verify()).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("a manifest of another image or version, though signed by the key, is refused", async () => {
    const { store, key, directory, digest, file, serve, verify } = await signedVersion();
    const second = await seal(store, { file: "other" }, { key: key.file });
    for (const of of [manifestFile, signatureFile]) {
      writeFileSync(file(of), readFileSync(join(directory, of(second.digest))));
    }
    const fault = `its manifest is that of ${second.digest.slice(0, 12)} of room`;
    expect(() => serve()).toThrow(`is not served: ${fault}`);
    expect(await verify()).toEqual([fault]);
    const elsewhere = await seal(store, { file: "text", "etc/motd": "hello" }, { name: "kiosk" });
    expect(elsewhere.name).toBe("kiosk");
    expect(() => requireSigned({ directory, name: "kiosk", digest }, [])).toThrow(
      "of the image kiosk",
    );
  });

  test("without its manifest, cut short, or with more behind it, it is bad", async () => {
    const { file, verify, serve } = await signedVersion();
    const image = readFileSync(file(versionFile));
    const changed = /^it was changed or damaged: its bytes have the digest [0-9a-f]{12}…$/;
    for (const bytes of [image.subarray(1), Buffer.concat([image, Buffer.alloc(1)])]) {
      rmSync(file(versionFile));
      writeFileSync(file(versionFile), bytes);
      expect(await verify()).toEqual([expect.stringMatching(changed)]);
    }
    writeFileSync(file(versionFile), image);
    rmSync(file(manifestFile));
    expect(await verify()).toEqual(["it has no manifest"]);
    expect(() => serve()).toThrow("it has no manifest");
  });

  test("sealed again, it is what it was, signature and all: nodes may be running it", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "text" });
    const { key, ...first } = { key: newKey(), ...(await seal(store, {}, { tree })) };
    const directory = store.directoryOf("room");
    const signed = await seal(store, {}, { tree, key: key.file, minute: 1 });
    expect(signed).toEqual(first);
    expect(signerOf(directory, first.digest)).toBe(key.fingerprint);
    const manifest = join(directory, manifestFile(first.digest));
    const text = readFileSync(manifest);
    expect(await seal(store, {}, { tree, minute: 2 })).toEqual(first);
    expect(readFileSync(manifest)).toEqual(text);
    expect(signerOf(directory, first.digest)).toBe(key.fingerprint);
    writeFileSync(manifest, "{");
    expect(await seal(store, {}, { tree, minute: 2 })).not.toEqual(first);
    expect(signerOf(directory, first.digest)).toBeUndefined();
  });

  test("with a manifest that says another size of it is bad, signed or not", async () => {
    const { file, verify } = await signedVersion();
    rmSync(file(signatureFile));
    const text = readFileSync(file(manifestFile), "utf8");
    writeFileSync(file(manifestFile), text.replace(/"bytes":\d+/, '"bytes":1'));
    expect(await verify(false)).toEqual([expect.stringMatching(/it says 1 bytes, and there are /)]);
  });

  test("whose signature is damaged can be signed again, one without a manifest cannot", async () => {
    const { store, digest, file, verify } = await signedVersion();
    const faults = async () => {
      const what = { store, name: "room", digest, keys: [], isToBeSigned: true };
      return (await verifyVersion(what)).faults;
    };
    writeFileSync(file(signatureFile), "");
    expect(await verify(false)).toEqual(["its signature is damaged"]);
    expect(await faults()).toEqual([]);
    rmSync(file(manifestFile));
    expect(await faults()).toEqual(["it has no manifest"]);
  });

  test("a link to a version that is not there is named", async () => {
    const { store, file } = await signedVersion();
    expect(await linkFault(store, "room")).toBeUndefined();
    rmSync(file(versionFile));
    expect(await linkFault(store, "room")).toMatch(
      /^its current version [0-9a-f]{12} is not there/,
    );
    rmSync(join(store.directoryOf("room"), "current"));
    expect(await linkFault(store, "room")).toMatch(/^no version is current/);
  });
});

describe.skipIf(lackingOpenssl)(title("OpenSSL", lackingOpenssl), () => {
  test("verifies what was signed, with the public half that was written", async () => {
    const { file, key } = await signedVersion();
    const signature = decodeSignature(readFileSync(file(signatureFile), "utf8"));
    if (isMalformed(signature)) throw new Error(signature.malformed);
    const raw = join(directoryOf({}), "raw");
    writeFileSync(raw, signature.bytes);
    const out = execFileSync("openssl", [
      ...["pkeyutl", "-verify", "-pubin", "-inkey", publicFileOf(key.file), "-rawin"],
      ...["-in", file(manifestFile), "-sigfile", raw],
    ]);
    expect(out.toString()).toContain("Signature Verified Successfully");
  });
});
