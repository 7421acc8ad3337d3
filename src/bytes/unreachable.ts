/** The end of an exhaustive switch: the compiler shows each place to touch when a variant is added. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
