import { LN_2, LN_TABLE } from './ln-table.ts'

const TWO_32 = 2 ** 32
const TWO_33 = 2 ** 33
/** One, in the units of `negativeLn`. */
export const LN_UNIT = TWO_32

/**
 * -ln(1 - w / 2^64) in units of 2^-32, for the 64-bit number w = high x 2^32 + low; less than 7 units from the
 * true value up to 10, where delays end, and less than 17 beyond.
 *
 * Whole numbers only: every product and quotient below stays under 2^53, where IEEE 754 doubles are exact, so every engine gives
 * the same answer. `docs/betanet-delays.md` says the steps in words; `Math.log` would differ from engine to engine.
 */
export function negativeLn(high: number, low: number): number {
  // v = 2^64 - w, in two words: uniform w makes v uniform in 1..2^64, and ln 0 cannot be asked for.
  const vLow = (0 - low) >>> 0
  const vHigh = (low === 0 ? 0 - high : ~high) >>> 0
  if (vHigh === 0 && vLow === 0) return 0
  const zeros = vHigh === 0 ? 32 + Math.clz32(vLow) : Math.clz32(vHigh)
  return Math.max(0, zeros * LN_2 + negativeLnOfMantissa(leadingWord(vHigh, vLow, zeros)))
}

/** The 32 bits from the highest one on; what lies below is cut off. */
function leadingWord(high: number, low: number, zeros: number): number {
  if (zeros >= 32) return (low << (zeros - 32)) >>> 0
  return zeros === 0 ? high : ((high << zeros) | (low >>> (32 - zeros))) >>> 0
}

/** -ln(m / 2^32) for 2^31 <= m < 2^32: the table for m's first nine bits, three terms of the series of ln(1 + z) for the rest. */
function negativeLnOfMantissa(m: number): number {
  const i = (m >>> 23) & 0xff
  const z = Math.floor(((m & 0x7f_ffff) * 512) / (256 + i))
  const square = z * z
  const cube = Math.floor(square / TWO_32) * z
  return LN_TABLE[i]! - (z - Math.floor(square / TWO_33) + Math.floor(cube / (3 * TWO_32)))
}
