export interface Quirk {
  /** As `sidus explain` prints it. */
  readonly id: string;
  /** What has it. */
  readonly firmware: string;
  /** What is seen of it. */
  readonly symptom: string;
  /** What we do about it, or where we cannot, what the administrator can do. */
  readonly treatment: string;
  /** Where it is shown: a thread as owner/repository#number, a capture below fixtures/packets, a standard, or a program's version. */
  readonly source: readonly string[];
  /** The test that shows the treatment; undefined: there is nothing in our hands. */
  readonly test: { readonly file: string; readonly name: string } | undefined;
}
