import { type Clock, type Instant, toHex } from '@fog/kernel'
import { SphinxError } from './sphinx-error.ts'
import type { SphinxSuite } from './suite.ts'
import { openSurbReply } from './surb.ts'

export interface PendingRepliesOptions {
  /** How many reply blocks may be out at once. */
  readonly mostReplies: number
}

interface Pending {
  readonly keys: Uint8Array
  readonly expiresAt: Instant
}

/** The keys of reply blocks that are out. Each opens one reply, once, and is forgotten when its time is over. */
export class PendingReplies {
  readonly #suite: SphinxSuite
  readonly #clock: Clock
  readonly #options: PendingRepliesOptions
  readonly #pending = new Map<string, Pending>()

  constructor({ suite, clock }: { suite: SphinxSuite; clock: Clock }, options: PendingRepliesOptions) {
    this.#suite = suite
    this.#clock = clock
    this.#options = options
  }

  get size(): number {
    return this.#pending.size
  }

  /** Takes the keys over. False when too many are out already or the id is taken; then they are wiped. */
  expect(surbId: Uint8Array, keys: Uint8Array, expiresAt: Instant): boolean {
    this.forgetExpired()
    const id = toHex(surbId)
    const isFull = this.#pending.size >= this.#options.mostReplies || this.#pending.has(id)
    if (isFull) keys.fill(0)
    else this.#pending.set(id, { keys, expiresAt })
    return !isFull
  }

  /** The reply's payload; undefined for a block that is not ours, was used, is too old, or whose reply was touched. */
  open(surbId: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
    this.forgetExpired()
    const id = toHex(surbId)
    const pending = this.#pending.get(id)
    if (!pending) return undefined
    this.#pending.delete(id)
    try {
      return openSurbReply(this.#suite, pending.keys, payload)
    } catch (error) {
      if (error instanceof SphinxError) return undefined
      throw error
    } finally {
      pending.keys.fill(0)
    }
  }

  /** Wipes what is too old. */
  forgetExpired(): void {
    const now = this.#clock.now()
    for (const [id, { keys, expiresAt }] of this.#pending) {
      if (expiresAt > now) continue
      keys.fill(0)
      this.#pending.delete(id)
    }
  }
}
