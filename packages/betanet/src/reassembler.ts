import { type Clock, concat, type Instant, toHex } from '@fog/kernel'
import { type Ack, bitmapBytes, type Fragment } from './fragment.ts'

export interface ReassemblerOptions {
  readonly mostMessageBytes: number
  /** Unfinished messages kept at once. */
  readonly mostMessages: number
  /** Of all unfinished messages together, with what keeping them costs. */
  readonly mostBytes: number
  /** Finished messages that are remembered, so that a fragment sent twice is not taken for a new message. */
  readonly mostFinished: number
  /** How long an unfinished message waits for its next fragment, and a finished one is remembered. */
  readonly lifetimeMs: number
}

export type FragmentArrival =
  | { readonly status: 'complete'; readonly message: Uint8Array; readonly ack: Ack }
  /** New, but more are to come; or known already. Either way the sender should hear what is here. */
  | { readonly status: 'partial' | 'repeated'; readonly ack: Ack }
  | { readonly status: 'refused'; readonly reason: 'too_large' | 'inconsistent' }

interface Unfinished {
  readonly messageId: Uint8Array
  readonly count: number
  readonly pieces: Map<number, Uint8Array>
  readonly bitmap: Uint8Array
  /** Of every fragment but the last; unknown until one of them is here. */
  fullBytes: number | undefined
  bytes: number
  expiresAt: Instant
}

interface Finished {
  readonly ack: Ack
  readonly expiresAt: Instant
}

/** What a fragment costs beyond its data: map entry, view, buffer. An estimate that bounds a flood of tiny fragments. */
const PIECE_OVERHEAD_BYTES = 128

/**
 * Puts messages together from fragments that come in any order, twice, or never. Memory is bounded: when there is no room, the
 * message that was fed least recently gives way, since its sender will send again or has gone.
 */
export class Reassembler {
  readonly #clock: Clock
  readonly #options: ReassemblerOptions
  /** The least recently fed first. */
  readonly #unfinished = new Map<string, Unfinished>()
  readonly #finished = new Map<string, Finished>()
  #bytes = 0
  #evicted = 0
  #expired = 0

  constructor({ clock }: { clock: Clock }, options: ReassemblerOptions) {
    this.#clock = clock
    this.#options = options
  }

  get stats(): { unfinished: number; bytes: number; evicted: number; expired: number } {
    return {
      unfinished: this.#unfinished.size,
      bytes: this.#bytes,
      evicted: this.#evicted,
      expired: this.#expired,
    }
  }

  /** Takes a parsed fragment; its data is copied. */
  accept(fragment: Fragment): FragmentArrival {
    this.forgetExpired()
    const id = toHex(fragment.messageId)
    const finished = this.#finished.get(id)
    if (finished) return { status: 'repeated', ack: finished.ack }
    const known = this.#unfinished.get(id)
    const reason = this.#refusal(fragment, known)
    if (reason) return { status: 'refused', reason }
    const message = known ?? this.#begin(id, fragment)
    if (message.pieces.has(fragment.index)) return { status: 'repeated', ack: ackOf(message) }
    this.#add(id, message, fragment)
    if (message.pieces.size === message.count) return this.#finish(id, message)
    this.#makeRoom(id)
    return { status: 'partial', ack: ackOf(message) }
  }

  /** What is here of a message of so many fragments: nothing, when it is not known. */
  stateOf(messageId: Uint8Array, count: number): Ack {
    const id = toHex(messageId)
    const known = this.#unfinished.get(id)
    const ack = this.#finished.get(id)?.ack ?? (known && ackOf(known))
    return ack?.count === count ? ack : { messageId, count, bitmap: new Uint8Array(bitmapBytes(count)) }
  }

  /** Lets go of what waited too long. */
  forgetExpired(): void {
    const now = this.#clock.now()
    for (const [id, { expiresAt }] of this.#unfinished) {
      if (expiresAt > now) break
      this.#drop(id)
      this.#expired += 1
    }
    for (const [id, { expiresAt }] of this.#finished) {
      if (expiresAt > now) break
      this.#finished.delete(id)
    }
  }

  #refusal({ index, count, data }: Fragment, known: Unfinished | undefined): 'too_large' | 'inconsistent' | undefined {
    if (known && known.count !== count) return 'inconsistent'
    const isLast = index === count - 1
    const full = isLast ? known?.fullBytes : data.length
    if (isLast && full !== undefined && data.length > full) return 'inconsistent'
    if (!isLast && known?.fullBytes !== undefined && known.fullBytes !== data.length) return 'inconsistent'
    const last = isLast ? data.length : (known?.pieces.get(count - 1)?.length ?? 1)
    if (full !== undefined && !isLast && last > full) return 'inconsistent'
    const least = (count - 1) * (full ?? 1) + last
    return least > this.#options.mostMessageBytes ? 'too_large' : undefined
  }

  #begin(id: string, { messageId, count }: Fragment): Unfinished {
    const message: Unfinished = {
      messageId: messageId.slice(),
      count,
      pieces: new Map(),
      bitmap: new Uint8Array(bitmapBytes(count)),
      fullBytes: undefined,
      bytes: 0,
      expiresAt: 0,
    }
    this.#unfinished.set(id, message)
    return message
  }

  #add(id: string, message: Unfinished, { index, data }: Fragment): void {
    message.pieces.set(index, data.slice())
    message.bitmap[index >> 3]! |= 1 << (index & 7)
    if (index < message.count - 1) message.fullBytes = data.length
    const bytes = data.length + PIECE_OVERHEAD_BYTES
    message.bytes += bytes
    this.#bytes += bytes
    message.expiresAt = this.#clock.now() + this.#options.lifetimeMs
    // To the end of the map: the most recently fed.
    this.#unfinished.delete(id)
    this.#unfinished.set(id, message)
  }

  #finish(id: string, message: Unfinished): FragmentArrival {
    this.#drop(id)
    const ack = ackOf(message)
    this.#finished.set(id, { ack, expiresAt: message.expiresAt })
    const [oldest] = this.#finished.keys()
    if (this.#finished.size > this.#options.mostFinished && oldest !== undefined) this.#finished.delete(oldest)
    const pieces = Array.from({ length: message.count }, (_, index) => message.pieces.get(index)!)
    return { status: 'complete', message: concat(...pieces), ack }
  }

  #makeRoom(keep: string): void {
    for (const id of this.#unfinished.keys()) {
      const { mostMessages, mostBytes } = this.#options
      const fits = this.#unfinished.size <= mostMessages && this.#bytes <= mostBytes
      if (fits || id === keep) return
      this.#drop(id)
      this.#evicted += 1
    }
  }

  #drop(id: string): void {
    this.#bytes -= this.#unfinished.get(id)?.bytes ?? 0
    this.#unfinished.delete(id)
  }
}

function ackOf({ messageId, count, bitmap }: Unfinished): Ack {
  return { messageId, count, bitmap: bitmap.slice() }
}
