/**
 * The rates that the true one lies between, for `hits` of `samples`, with `sigmas` of the normal distribution to each side (the
 * score interval of Wilson 1927): right for few samples and for rates near 0 and 1 too.
 */
export function wilson(
  hits: number,
  samples: number,
  sigmas: number,
): { readonly least: number; readonly most: number } {
  if (samples <= 0) return { least: 0, most: 1 }
  const rate = hits / samples
  const square = sigmas * sigmas
  const middle = rate + square / (2 * samples)
  const spread = sigmas * Math.sqrt(Math.max(0, rate * (1 - rate)) / samples + square / (4 * samples * samples))
  const whole = 1 + square / samples
  return { least: Math.max(0, (middle - spread) / whole), most: Math.min(1, (middle + spread) / whole) }
}
