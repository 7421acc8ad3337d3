import { createHash } from "node:crypto";

/**
 * crypt(3) with `$6$`, in 5000 rounds: U. Drepper, Unix crypt using SHA-256 and SHA-512.
 * @param salt at most 16 characters of those that crypt(3) writes.
 */
export function sha512Crypt(password: string, salt: string): string {
  const secret = Buffer.from(password);
  const salted = Buffer.from(salt);
  const alternate = sha512(secret, salted, secret);
  const parts = [secret, salted, stretched(alternate, secret.length)];
  for (let bits = secret.length; bits > 0; bits >>>= 1) {
    parts.push((bits & 1) === 1 ? alternate : secret);
  }
  const first = sha512(...parts);
  const secretBytes = stretched(
    sha512(...Array<Buffer>(secret.length).fill(secret)),
    secret.length,
  );
  const saltBytes = stretched(
    sha512(...Array<Buffer>(16 + first.readUInt8(0)).fill(salted)),
    salted.length,
  );
  let digest = first;
  for (let round = 0; round < 5000; round += 1) {
    const isOdd = round % 2 === 1;
    const round3 = round % 3 === 0 ? [] : [saltBytes];
    const round7 = round % 7 === 0 ? [] : [secretBytes];
    const [begin, end] = isOdd ? [secretBytes, digest] : [digest, secretBytes];
    digest = sha512(begin, ...round3, ...round7, end);
  }
  return `$6$${salt}$${encoded(digest)}`;
}

function sha512(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The digest again and again, up to `length` bytes. */
function stretched(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

const digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Three bytes, 21 apart, as four digits, the least first; each time the three begin with the next of them. */
function encoded(digest: Buffer): string {
  let text = "";
  for (let group = 0; group < 21; group += 1) {
    const [a, b, c] = [group, group + 21, group + 42];
    const turns =
      [
        [a, b, c],
        [b, c, a],
        [c, a, b],
      ][group % 3] ?? [];
    text += fourDigits(
      turns.reduce((sum, index) => sum * 256 + digest.readUInt8(index), 0),
      4,
    );
  }
  return text + fourDigits(digest.readUInt8(63), 2);
}

function fourDigits(value: number, count: number): string {
  return Array.from({ length: count }, (_, at) => digits.charAt((value >>> (6 * at)) & 63)).join(
    "",
  );
}
