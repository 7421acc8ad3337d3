import type { Credential } from "../rpc/credentials.ts";

/** Whose calls are nobody's: no one's, those of a client's superuser, or all. */
export type Squash = "none" | "root" | "all";

/** As which the files of nobody are shown on Linux; also who calls with AUTH_NONE. */
const NOBODY = 65_534;
const nobody: Credential = { uid: NOBODY, gid: NOBODY, gids: [] };

/** Whose call it counts as: the very credential where there is nothing to squash. */
export function squashed(credential: Credential = nobody, squash: Squash): Credential {
  switch (squash) {
    case "none":
      return credential;
    case "root": {
      const { uid, gid, gids } = credential;
      if (uid !== 0 && gid !== 0 && !gids.includes(0)) return credential;
      return { uid: uid || NOBODY, gid: gid || NOBODY, gids: gids.map((one) => one || NOBODY) };
    }
    case "all":
      return nobody;
  }
}
