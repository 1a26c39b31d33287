/** A parser, or something else that takes bytes from outside, as the fuzzer sees it. */
export interface FuzzTarget {
  /** Where inputs are kept that reach all that was ever reached, from the root of the repository. */
  readonly corpus: string
  /** Where to begin, beside the corpus: inputs of each valid form. */
  readonly seeds: () => readonly Uint8Array[]
  /** Takes any bytes. Throws when something is wrong with the code, and never for what is wrong with the bytes. */
  readonly run: (input: Uint8Array) => void
}
