/** Names one version of one file: another version is another key. Compared exactly, as words of 32 bits. */
export interface CacheKey {
  readonly space: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly versionHigh: number;
  readonly versionLow: number;
}

/** `space`: whose ids these are, 32 bits. `id` and `version`: 64 bits. */
export function cacheKey(space: number, id: bigint, version: bigint): CacheKey {
  return {
    space: space | 0,
    idHigh: Number(BigInt.asIntN(32, id >> 32n)),
    idLow: Number(BigInt.asIntN(32, id)),
    versionHigh: Number(BigInt.asIntN(32, version >> 32n)),
    versionLow: Number(BigInt.asIntN(32, version)),
  };
}
