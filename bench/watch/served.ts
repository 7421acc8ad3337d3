/** What the server that is measured has, and the loads ask for. */

export const IQN = "iqn.2026-01.test.sidus";
export const VOLUME = "load";
export const VOLUME_BYTES = 64 << 20;

/** Turn what watches it on and off. */
export const signals = { on: "SIGUSR2", off: "SIGWINCH" } as const;
