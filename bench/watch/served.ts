/** What the servers that are compared have, and the loads ask for. */

export const IQN = "iqn.2026-01.test.sidus";
export const VOLUME = "load";
export const VOLUME_BYTES = 64 << 20;
