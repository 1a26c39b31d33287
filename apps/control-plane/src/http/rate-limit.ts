import type { Clock, Instant } from '@fog/kernel'
import { HttpError } from './errors.ts'

const MINUTE_MS = 60_000

/**
 * How many requests a minute each key may make: the generic cell rate algorithm (ITU-T I.371), which keeps one instant a
 * key. A minute's worth may come at once; after that they come evenly. Each control plane counts for itself.
 */
export class RateLimiter {
  readonly #clock: Clock
  readonly #maxKeys: number
  /** When the key would have used up what it took, had it come evenly. */
  readonly #usedUntil = new Map<string, Instant>()

  constructor({ clock }: { readonly clock: Clock }, { maxKeys }: { readonly maxKeys: number } = { maxKeys: 100_000 }) {
    this.#clock = clock
    this.#maxKeys = maxKeys
  }

  /** Counts one request. Throws `http.too_many_requests` when it is one too many, which then does not count. */
  take(key: string, perMinute: number): void {
    this.refuse(key, perMinute)
    const now = this.#clock.now()
    this.#makeRoom(now)
    const from = Math.max(this.#usedUntil.get(key) ?? now, now)
    // Last in the order of keys, so that the oldest are forgotten first.
    this.#usedUntil.delete(key)
    this.#usedUntil.set(key, from + MINUTE_MS / perMinute)
  }

  /** Throws `http.too_many_requests` when no further one would be taken; counts nothing. */
  refuse(key: string, perMinute: number): void {
    const now = this.#clock.now()
    const next = (this.#usedUntil.get(key) ?? now) + MINUTE_MS / perMinute
    const waitMs = next - now - MINUTE_MS
    if (waitMs <= 0) return
    throw new HttpError({ code: 'http.too_many_requests', retrySeconds: Math.max(1, Math.ceil(waitMs / 1000)) })
  }

  /** Bounded: what is over is dropped, and under a flood of keys the oldest. */
  #makeRoom(now: Instant): void {
    if (this.#usedUntil.size < this.#maxKeys) return
    for (const [key, until] of this.#usedUntil) if (until <= now) this.#usedUntil.delete(key)
    const [oldest] = this.#usedUntil.keys()
    if (this.#usedUntil.size >= this.#maxKeys && oldest !== undefined) this.#usedUntil.delete(oldest)
  }
}

/** An address as limits count it: whoever has one IPv6 address has its whole /64. */
export function addressKey(address: string): string {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':')
}
