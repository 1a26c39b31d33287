import type { Rng } from '@fog/kernel'

/** Parents nearer than this in a number are taken for equal there, as in Deb's own program. */
const EQUAL_WITHIN = 1e-14

/**
 * Simulated binary crossover of one number, kept within its bounds (Deb and Agrawal, "Simulated binary crossover for
 * continuous search space", 1995; bounded as in Deb's NSGA-II program). The children lie about the parents as one-point
 * crossover of bit strings would put them: the larger `index`, the nearer. Writes them in `children[0]` and `children[1]`.
 */
export function crossNumber(
  a: number,
  b: number,
  least: number,
  most: number,
  index: number,
  children: Float64Array,
  rng: Rng,
): void {
  children[0] = a
  children[1] = b
  const low = a < b ? a : b
  const high = a < b ? b : a
  const gap = high - low
  if (gap <= EQUAL_WITHIN) return
  const chance = rng.next()
  const sum = low + high
  const first = 0.5 * (sum - spread(1 + (2 * (low - least)) / gap, index, chance) * gap)
  const second = 0.5 * (sum + spread(1 + (2 * (most - high)) / gap, index, chance) * gap)
  const isSwapped = rng.next() < 0.5
  children[isSwapped ? 1 : 0] = clamp(first, least, most)
  children[isSwapped ? 0 : 1] = clamp(second, least, most)
}

/** How far apart the children are, as a multiple of the parents' gap, when the bound allows `widest` at most. */
function spread(widest: number, index: number, chance: number): number {
  const power = index + 1
  const alpha = 2 - widest ** -power
  const scaled = chance * alpha
  return (scaled <= 1 ? scaled : 1 / (2 - scaled)) ** (1 / power)
}

/**
 * Polynomial mutation of one number within its bounds (Deb and Agrawal 1995, as in Deb et al. 2002): small steps are likely,
 * and the larger `index`, the more so.
 */
export function mutateNumber(value: number, least: number, most: number, index: number, rng: Rng): number {
  const range = most - least
  if (range <= 0) return value
  const power = index + 1
  const chance = rng.next()
  const isDown = chance < 0.5
  const room = 1 - (isDown ? value - least : most - value) / range
  const twice = isDown ? 2 * chance : 2 * (1 - chance)
  const step = 1 - (twice + (1 - twice) * room ** power) ** (1 / power)
  return clamp(isDown ? value - step * range : value + step * range, least, most)
}

function clamp(value: number, least: number, most: number): number {
  return value < least ? least : value > most ? most : value
}
