import type { Clock, Instant } from '@fog/kernel'

export interface SeenOptions {
  /** Messages remembered at once. */
  readonly most: number
  /** A message older than this is refused, so that it need not be remembered. */
  readonly keepMs: number
  /** How far a sender's clock may be ahead. */
  readonly maxSkewMs: number
}

/**
 * Which messages were taken, so that none is taken twice: not even one that somebody kept and brings again when nobody
 * remembers it, since it is too old then. When more come than can be remembered, those older than what had to be forgotten are
 * refused as well: in a flood a late message is lost, and its sender told so, rather than taken twice.
 */
export class SeenMessages {
  readonly #clock: Clock
  readonly #options: SeenOptions
  readonly #seen = new Map<string, Instant>()
  /** What was sent up to here could have been forgotten. */
  #horizon = 0

  constructor({ clock }: { readonly clock: Clock }, options: SeenOptions) {
    this.#clock = clock
    this.#options = options
  }

  get size(): number {
    return this.#seen.size
  }

  /** Whether a message sent then can still be taken. Of one that was taken before it tells nothing. */
  isTimely(id: string, sentAt: Instant): boolean {
    const now = this.#clock.now()
    const { keepMs, maxSkewMs } = this.#options
    if (sentAt > now + maxSkewMs || sentAt <= now - keepMs) return false
    return sentAt > this.#horizon || this.#seen.has(id)
  }

  /** Notes a message that `isTimely`. Whether it is new. */
  note(id: string, sentAt: Instant): boolean {
    if (this.#seen.has(id)) return false
    this.#forgetExpired()
    this.#seen.set(id, sentAt)
    const [oldest] = this.#seen
    if (this.#seen.size > this.#options.most && oldest) {
      this.#seen.delete(oldest[0])
      this.#horizon = Math.max(this.#horizon, oldest[1])
    }
    return true
  }

  #forgetExpired(): void {
    const until = this.#clock.now() - this.#options.keepMs
    for (const [id, sentAt] of this.#seen) {
      if (sentAt > until) return
      this.#seen.delete(id)
    }
  }
}
