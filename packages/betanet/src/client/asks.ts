import { type Clock, type Instant, toHex } from '@fog/kernel'
import { type Ack, parseAck } from '../fragment.ts'
import { PendingReplies, type SphinxSuite } from '../sphinx/index.ts'

export interface AsksOptions {
  readonly most: number
  /** An answer that takes longer finds its key forgotten. */
  readonly lifetimeMs: number
}

interface Ask {
  readonly message: string
  readonly askedAt: number
  readonly expiresAt: Instant
}

/** The questions that are out: which message each SURB asks about, and since when. */
export class Asks {
  readonly #clock: Clock
  readonly #options: AsksOptions
  readonly #replies: PendingReplies
  readonly #asks = new Map<string, Ask>()

  constructor({ suite, clock }: { readonly suite: SphinxSuite; readonly clock: Clock }, options: AsksOptions) {
    this.#clock = clock
    this.#options = options
    this.#replies = new PendingReplies({ suite, clock }, { mostReplies: options.most })
  }

  get size(): number {
    return this.#replies.size
  }

  /** Takes the SURB's keys over. False when too many questions are out. */
  expect(surbId: Uint8Array, keys: Uint8Array, message: string, askedAt: number): boolean {
    this.#forgetExpired()
    const expiresAt = this.#clock.now() + this.#options.lifetimeMs
    if (!this.#replies.expect(surbId, keys, expiresAt)) return false
    this.#asks.set(toHex(surbId), { message, askedAt, expiresAt })
    return true
  }

  /** What the answer says, and of which message; undefined for one that nobody asked for, that was touched, or came twice. */
  open(
    surbId: Uint8Array,
    block: Uint8Array,
  ): { readonly message: string; readonly askedAt: number; readonly ack: Ack } | undefined {
    const id = toHex(surbId)
    const ask = this.#asks.get(id)
    const payload = this.#replies.open(surbId, block)
    this.#asks.delete(id)
    const ack = payload && parseAck(payload)
    if (!ask || !ack || toHex(ack.messageId) !== ask.message) return undefined
    return { message: ask.message, askedAt: ask.askedAt, ack }
  }

  #forgetExpired(): void {
    const now = this.#clock.now()
    for (const [id, { expiresAt }] of this.#asks) {
      if (expiresAt > now) return
      this.#asks.delete(id)
    }
  }
}
