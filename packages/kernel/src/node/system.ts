import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Rng } from '../chance.ts'
import type { Clock } from '../clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal ? { signal } : {})
  },
}

/** The operating system's CSPRNG. */
export const systemRng: Rng = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}

/** Milliseconds since some moment, to a microsecond; only ever grows. For what is measured or must not jump with the clock. */
export function monotonicMs(): number {
  return performance.now()
}
