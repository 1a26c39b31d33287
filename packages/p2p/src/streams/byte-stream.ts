import type { Clock, Instant } from '@fog/kernel'
import type { PeerId } from '../peer-id.ts'
import type { ByteBudget } from './byte-budget.ts'
import { type DataFrame, DATA_OVERHEAD_BYTES, encodeFrame, type ResetReason, type StreamId } from './frames.ts'
import { IncomingBytes } from './incoming-bytes.ts'
import { OutgoingBytes, type Part } from './outgoing-bytes.ts'
import { StreamError } from './stream-error.ts'
import type { StreamOptions } from './stream-options.ts'

/** So many frames that fill no packet may be on their way; then small writes gather until one arrived. */
const MOST_SMALL = 2

export interface ByteStreamNeeds {
  readonly peer: PeerId
  readonly id: StreamId
  /** Whether this end opened it. */
  readonly role: 'opener' | 'taker'
  readonly clock: Clock
  /** Has given a first window. */
  readonly budget: ByteBudget
  /** Bytes of a frame that fills this many packets. */
  readonly frameBytes: (packets: number) => number
  /** Has the other end take a frame, which is made for each try. Rejects with a `StreamError` when it surely does not. */
  readonly deliver: (make: () => Uint8Array, signal: AbortSignal) => Promise<void>
  /** Tells the other end that the stream is broken off. */
  readonly sayReset: (reason: ResetReason) => void
  /** Nothing more will happen on it: all came and arrived, or it was broken off. */
  readonly over: (how: 'finished' | 'broken') => void
}

/**
 * A reliable stream of bytes each way, in order, with an end of its own each way. What is written waits while the other end does
 * not read. The other end learns of a stream with the first bytes, or the end, that is written to it.
 */
export class ByteStream {
  readonly peer: PeerId
  readonly id: StreamId
  readonly openedAt: Instant
  readonly #needs: ByteStreamNeeds
  readonly #options: StreamOptions
  readonly #incoming: IncomingBytes
  readonly #outgoing = new OutgoingBytes()
  readonly #ending = new AbortController()
  readonly #readers: (() => void)[] = []
  readonly #writers: (() => void)[] = []
  #isHeard: boolean
  #inFlight = 0
  #isTelling = false
  #isPumpDue = false
  #fault: StreamError | undefined
  #isOver = false
  #movedAt: Instant
  #heardAt: Instant

  constructor(needs: ByteStreamNeeds, options: StreamOptions) {
    this.peer = needs.peer
    this.id = needs.id
    this.#needs = needs
    this.#options = options
    this.#incoming = new IncomingBytes(needs.budget, options)
    this.#isHeard = needs.role === 'taker'
    this.openedAt = this.#movedAt = this.#heardAt = needs.clock.now()
  }

  /** Bytes held in memory, of both directions. */
  get bufferedBytes(): number {
    return this.#incoming.bufferedBytes + this.#outgoing.unsentBytes
  }

  /** Whether nothing more will happen on it. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The next bytes, as soon as there are some; undefined at the end. One call at a time. Rejects with a `StreamError`. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#incoming.read()
      if (bytes) {
        if (this.#incoming.isWindowDue) this.#pumpSoon()
        this.#finishWhenDone()
        if (this.#isOver && this.#incoming.isFinished) this.#incoming.drop()
        return bytes
      }
      if (this.#incoming.isFinished) return undefined
      if (this.#fault) throw this.#fault
      await waitIn(this.#readers)
    }
  }

  /** Takes bytes over; resolves when there is room for more. Rejects with a `StreamError` when they surely do not get there. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#fault) throw this.#fault
    if (this.#outgoing.isEnding) throw new StreamError({ code: 'streams.closed' })
    this.#outgoing.write(bytes)
    this.#pumpSoon()
    while (this.#outgoing.unsentBytes > this.#options.mostUnsentBytes) await waitIn(this.#writers)
    if (this.#fault) throw this.#fault
  }

  /** Nothing more is written. Resolves when the other end has all of it. */
  async end(): Promise<void> {
    this.#outgoing.end()
    this.#pumpSoon()
    while (!this.#isAllThere) {
      if (this.#fault) throw this.#fault
      await waitIn(this.#writers)
    }
  }

  /** Breaks it off, unless it is over: what is on its way is lost. */
  cancel(reason: ResetReason = 'cancelled'): void {
    if (this.#isOver) return this.#incoming.drop()
    if (this.#isHeard || this.#inFlight > 0) this.#needs.sayReset(reason)
    this.#close(new StreamError({ code: 'streams.closed' }))
  }

  /** Bytes came from the other end. */
  takeData({ offset, limit, bytes, isEnd }: DataFrame): void {
    if (this.#isOver) return
    this.takeWindow(limit)
    const taken = this.#incoming.take(offset, bytes, isEnd)
    if (!taken.ok) {
      this.#needs.sayReset('violated')
      return this.#close(new StreamError({ code: 'streams.violated', peer: this.peer, what: taken.what }))
    }
    if (!taken.isNew) return
    this.#movedAt = this.#heardAt
    wake(this.#readers)
    this.#finishWhenDone()
  }

  /** The other end takes more. */
  takeWindow(limit: number): void {
    if (this.#isOver) return
    this.#isHeard = true
    this.#heardAt = this.#needs.clock.now()
    this.#outgoing.allow(limit)
    this.#pumpSoon()
  }

  /** The other end broke it off. What had come whole can still be read. */
  takeReset(reason: ResetReason): void {
    const why = RESET_TEXTS[reason]
    this.#close(new StreamError({ code: 'streams.reset', peer: this.peer, why }))
  }

  /** Ends it when nothing happened for too long; asks whether the other end is there when nothing was heard. */
  check(now: Instant): void {
    const { mostIdleMs, probeMs } = this.#options
    if (now - this.#movedAt >= mostIdleMs) {
      this.#needs.sayReset('idle')
      const seconds = Math.round(mostIdleMs / 1000)
      return this.#close(new StreamError({ code: 'streams.idle', peer: this.peer, seconds }))
    }
    // Before anything was written the other end knows nothing of it.
    if (this.#isHeard && now - this.#heardAt >= probeMs) void this.#tellWindow()
  }

  /** Ends it here, without a word to the other end. */
  fail(fault: StreamError): void {
    this.#close(fault)
  }

  get #isAllThere(): boolean {
    return this.#outgoing.isAllSent && this.#inFlight === 0
  }

  /** At the end of this turn, so that what is written together travels together. */
  #pumpSoon(): void {
    if (this.#isPumpDue || this.#isOver) return
    this.#isPumpDue = true
    queueMicrotask(() => {
      this.#isPumpDue = false
      if (!this.#isOver) this.#pump()
    })
  }

  #pump(): void {
    const { mostInFlight } = this.#options
    while (this.#inFlight < mostInFlight) {
      const part = this.#outgoing.next(this.#roomNow(), this.#inFlight < MOST_SMALL ? 1 : this.#room(1))
      if (!part) break
      void this.#carry(part)
    }
    if (this.#outgoing.unsentBytes <= this.#options.mostUnsentBytes) wake(this.#writers)
    if (this.#incoming.isWindowDue) void this.#tellWindow()
  }

  /** The first frames of many are shorter than those that follow: so they do not all arrive, and leave a pause, at once. */
  #roomNow(): number {
    const { mostInFlight, mostFramePackets } = this.#options
    return this.#room(Math.ceil((mostFramePackets * (this.#inFlight + 1)) / mostInFlight))
  }

  #room(packets: number): number {
    return this.#needs.frameBytes(packets) - DATA_OVERHEAD_BYTES
  }

  async #carry(part: Part): Promise<void> {
    this.#inFlight += 1
    this.#movedAt = this.#needs.clock.now()
    const isDelivered = await this.#deliver(() => {
      const openedAt = this.#isHeard ? undefined : this.openedAt
      const limit = this.#incoming.grant()
      return encodeFrame({ kind: 'data', ...this.id, openedAt, limit, ...part })
    })
    if (!isDelivered) return
    this.#inFlight -= 1
    this.#pump()
    wake(this.#writers)
    this.#finishWhenDone()
  }

  async #tellWindow(): Promise<void> {
    if (this.#isTelling || !this.#isHeard) return
    this.#isTelling = true
    const isDelivered = await this.#deliver(() =>
      encodeFrame({ kind: 'window', ...this.id, limit: this.#incoming.grant() }),
    )
    this.#isTelling = false
    if (isDelivered && this.#incoming.isWindowDue) this.#pumpSoon()
  }

  /** Whether the other end has it; when it surely has not, the stream ends. */
  async #deliver(make: () => Uint8Array): Promise<boolean> {
    try {
      await this.#needs.deliver(make, this.#ending.signal)
    } catch (fault) {
      if (this.#isOver) return false
      if (!(fault instanceof StreamError)) throw fault
      this.#close(fault)
      return false
    }
    if (this.#isOver) return false
    this.#isHeard = true
    this.#heardAt = this.#needs.clock.now()
    return true
  }

  #finishWhenDone(): void {
    if (!this.#isOver && this.#isAllThere && this.#incoming.isFinished)
      this.#close(new StreamError({ code: 'streams.closed' }))
  }

  #close(fault: StreamError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#fault = fault
    this.#ending.abort()
    this.#outgoing.drop()
    // What came whole is good, whatever became of the other direction.
    if (!this.#incoming.isWhole || this.#incoming.isFinished) this.#incoming.drop()
    wake(this.#readers)
    wake(this.#writers)
    this.#needs.over(this.#isAllThere && this.#incoming.isWhole ? 'finished' : 'broken')
  }
}

const RESET_TEXTS: Readonly<Record<ResetReason, string>> = {
  cancelled: 'it wants no more of it',
  refused: 'it takes no streams',
  busy: 'it has too many already',
  unknown: 'it does not know it (any more)',
  violated: 'it found a fault in what was sent',
  idle: 'nothing happened for too long',
  stale: 'it was opened before the other end began',
}

function waitIn(waiting: (() => void)[]): Promise<void> {
  return new Promise((resolve) => waiting.push(resolve))
}

function wake(waiting: (() => void)[]): void {
  for (const resolve of waiting.splice(0)) resolve()
}
