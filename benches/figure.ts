/** One figure with its method and, where there is one, the bar it is held to. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly bar?: { readonly atMost: number } | { readonly atLeast: number }
  readonly method: string
}
