import type { Instant } from "../../net/clock.ts";
import type { Done } from "../client.ts";
import type { NfsCall } from "../trace/trace.ts";
import type { NamedFile } from "./files.ts";
import type { Listing } from "./listings.ts";
import { Reading } from "./reading.ts";

/** What an outstanding call is about; it is used for one after the other. */
export class Errand {
  wanted: NfsCall | undefined;
  done: Done | undefined;
  /** What is asked about, or for. */
  file: NamedFile | undefined;
  /** A LOOKUP on the way to what is wanted. */
  isExtra = false;
  /** Of READ's results, where they were begun to be read. */
  status = 0;
  /** When the server first asked to come back later: NFS3ERR_JUKEBOX, and nothing else since. */
  laterSince: Instant | undefined;
  readonly reading = new Reading();
  listing: Listing | undefined;
}
