/**
 * The delay of `docs/betanet-delays.md` a second time, with big integers and as the page words it: vectors are made by this, and
 * the engine's arithmetic is held to it.
 */

/** floor(2^bits x ln(p / q)) of a fraction of at least one, by the series of the inverse hyperbolic tangent. */
export function lnOf(p: bigint, q: bigint, bits = 160n): bigint {
  const one = 1n << bits
  const z = ((p - q) * one) / (p + q)
  const square = (z * z) >> bits
  let [sum, power] = [0n, z]
  for (let k = 1n; power > 0n; k += 2n) {
    sum += power / k
    power = (power * square) >> bits
  }
  return 2n * sum
}

/** ln(p / q) in units of 2^-32, to the nearest. */
export function roundedLn(p: bigint, q: bigint): bigint {
  return (lnOf(p, q) + (1n << 127n)) >> 128n
}

const LN_2 = roundedLn(2n, 1n)
const TABLE = Array.from({ length: 256 }, (_, i) => roundedLn(512n, 256n + BigInt(i)))

/** Steps 1 to 6 of the page. `w` has 64 bits. */
export function negativeLnReference(w: bigint): bigint {
  const v = (1n << 64n) - w
  if (v === 1n << 64n) return 0n
  const n = BigInt(64 - v.toString(2).length)
  const m = (v << n) >> 32n
  const i = (m >> 23n) & 255n
  const r = m & 0x7f_ffffn
  const z = (r * 512n) / (256n + i)
  const square = z * z
  const series = z - (square >> 33n) + ((square >> 32n) * z) / (3n << 32n)
  const ln = n * LN_2 + TABLE[Number(i)]! - series
  return ln < 0n ? 0n : ln
}

/** Step 7. */
export function delayStepsReference(meanSteps: bigint, w: bigint): bigint {
  const ln = negativeLnReference(w)
  const capped = ln < 10n << 32n ? ln : 10n << 32n
  return (meanSteps * capped + (1n << 31n)) >> 32n
}
