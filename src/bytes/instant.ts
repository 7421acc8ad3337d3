/** Milliseconds on a clock that never goes back; its zero means nothing. */
export type Instant = number & { readonly brand: "Instant" };

export function after(instant: Instant, ms: number): Instant {
  return (instant + ms) as Instant;
}
