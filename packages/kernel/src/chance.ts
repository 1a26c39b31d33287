/** Where chance comes from. The system's is a CSPRNG; a seeded one replays a run. */
export interface Rng {
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). */
  next(): number
}

/** Uniform integer in [0, below). */
export function randomBelow(rng: Rng, below: number): number {
  return Math.floor(rng.next() * below)
}

/**
 * Chance that can be replayed, for simulations and tests; never for keys.
 * xoshiro128** by Blackman and Vigna (2018), seeded by splitmix32.
 */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0
  const splitmix = () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  const s = new Uint32Array([splitmix(), splitmix(), splitmix(), splitmix()])
  const uint32 = () => {
    const s1 = s[1]!
    const result = Math.imul(rotl(Math.imul(s1, 5), 7), 9) >>> 0
    s[2]! ^= s[0]!
    s[3]! ^= s1
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= s1 << 9
    s[3] = rotl(s[3]!, 11)
    return result
  }
  return {
    next: () => uint32() / 0x1_0000_0000,
    bytes: (length) => Uint8Array.from({ length }, () => uint32() & 0xff),
  }
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k))
}
