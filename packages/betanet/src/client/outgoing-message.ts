import type { Instant } from '@fog/kernel'
import { type Ack, hasArrived, splitMessage } from '../fragment.ts'

/** After so many fragments the recipient is asked what arrived, so that what is not known to have arrived stays little. */
export const ASK_EVERY = 16
/** A timeout grows no further than this many times its first length. */
const MOST_BACKOFF = 8

export interface OutgoingOptions {
  /** Most bytes of an encoded fragment, and of one that leaves room for a SURB in its packet. */
  readonly fragmentBytes: number
  readonly fragmentBytesWithSurb: number
  /** How long an answer may take before what was not acknowledged is sent again. */
  readonly timeoutMs: () => number
  /** So often in a row nothing new arrives until the recipient is given up. */
  readonly mostStalls: number
}

/** What the next packet of a message carries. */
export interface Parcel {
  /** An encoded fragment; undefined for a packet that only asks. */
  readonly fragment: Uint8Array | undefined
  /** Whether a SURB goes with it. */
  readonly asks: boolean
}

export type OutgoingState = 'sending' | 'arrived' | 'given_up'

/**
 * A message on its way: what of it is to be sent, was sent when, and arrived. Fragments go out in order, then those that an
 * acknowledgement shows missing, and all that nobody spoke of after a timeout, by the other gateway. Times only grow, and are
 * handed in.
 */
export class OutgoingMessage {
  readonly to: Uint8Array
  readonly messageId: Uint8Array
  readonly sentAt: Instant
  readonly bytes: number
  readonly #options: OutgoingOptions
  readonly #fragments: readonly Uint8Array[]
  readonly #arrived: Uint8Array
  readonly #emittedAt: Float64Array
  #due: number[]
  #asksNext = false
  #sinceAsk = 0
  #newestAskAt = -Infinity
  #mostArrived = 0
  #stalls = 0
  #turn = 0
  #timeoutAt = Infinity
  #packets = 0

  constructor(
    about: {
      readonly to: Uint8Array
      readonly messageId: Uint8Array
      readonly sentAt: Instant
      readonly message: Uint8Array
    },
    options: OutgoingOptions,
  ) {
    this.to = about.to
    this.messageId = about.messageId
    this.sentAt = about.sentAt
    this.bytes = about.message.length
    this.#options = options
    this.#fragments = splitMessage(about.messageId, about.message, options.fragmentBytes)
    this.#arrived = new Uint8Array(this.count)
    this.#emittedAt = new Float64Array(this.count)
    this.#due = [...this.#fragments.keys()]
  }

  get count(): number {
    return this.#fragments.length
  }

  /** How often the recipient was silent: which of its gateways is to be tried follows from it. */
  get turn(): number {
    return this.#turn
  }

  /** Packets sent so far. */
  get packets(): number {
    return this.#packets
  }

  /** When to call `timeOut`; infinite while there is something to send. */
  get timeoutAt(): number {
    return this.#timeoutAt
  }

  get hasNext(): boolean {
    return this.#asksNext || this.#due.length > 0
  }

  /** What to send next, which then counts as sent at `now`. Ask `hasNext` before. */
  next(now: number): Parcel {
    const parcel = this.#next(now)
    this.#packets += 1
    if (parcel.asks) this.#sinceAsk = 0
    if (!this.hasNext) this.#timeoutAt = now + this.#options.timeoutMs() * Math.min(2 ** this.#stalls, MOST_BACKOFF)
    return parcel
  }

  /** Word of what arrived, by the SURB that was sent at `askedAt`. */
  acknowledge(ack: Ack, askedAt: number): OutgoingState {
    if (ack.count !== this.count) return 'sending'
    // An older answer that was overtaken tells of nothing missing: it may have come since.
    const isNewest = askedAt >= this.#newestAskAt
    if (isNewest) this.#newestAskAt = askedAt
    const missing = this.#note(ack, isNewest).filter((index) => this.#emittedAt[index]! <= askedAt)
    const arrived = this.#arrived.reduce((sum, each) => sum + each, 0)
    if (arrived === this.count) return 'arrived'
    if (arrived > this.#mostArrived) {
      this.#mostArrived = arrived
      this.#stalls = 0
    } else if (missing.length > 0 && isNewest) this.#stalls += 1
    this.#sendAgain(isNewest ? missing : [])
    return this.#isGivenUp() ? 'given_up' : 'sending'
  }

  /** Nobody answered in time. */
  timeOut(): OutgoingState {
    this.#stalls += 1
    this.#turn += 1
    this.#sendAgain([...this.#fragments.keys()].filter((index) => this.#arrived[index] === 0))
    return this.#isGivenUp() ? 'given_up' : 'sending'
  }

  #next(now: number): Parcel {
    if (this.#asksNext) {
      this.#asksNext = false
      return { fragment: undefined, asks: true }
    }
    const index = this.#due.shift()!
    const fragment = this.#fragments[index]!
    this.#emittedAt[index] = now
    this.#sinceAsk += 1
    const isTime = this.#due.length === 0 || this.#sinceAsk >= ASK_EVERY
    const hasRoom = fragment.length <= this.#options.fragmentBytesWithSurb
    this.#asksNext = isTime && !hasRoom
    return { fragment, asks: isTime && hasRoom }
  }

  /** The fragments that the recipient does not have. It may have lost what it had, when it lacked room. */
  #note(ack: Ack, isNewest: boolean): number[] {
    const missing: number[] = []
    for (let index = 0; index < this.count; index++) {
      if (hasArrived(ack, index)) this.#arrived[index] = 1
      else {
        missing.push(index)
        if (isNewest) this.#arrived[index] = 0
      }
    }
    return missing
  }

  #sendAgain(indexes: readonly number[]): void {
    const due = new Set([...this.#due, ...indexes])
    const wasSending = this.hasNext
    this.#due = [...due].filter((index) => this.#arrived[index] === 0)
    // What was due has come meanwhile, but of what was sent last nobody spoke yet.
    if (wasSending && !this.hasNext) this.#asksNext = true
    if (this.hasNext) this.#timeoutAt = Infinity
  }

  #isGivenUp(): boolean {
    return this.#stalls > this.#options.mostStalls
  }
}
