import { type Clock, type Rng, toHex } from '@fog/kernel'
import type { PeerId } from '../peer-id.ts'
import { type Transport, TransportError } from '../transport.ts'
import { ByteBudget } from './byte-budget.ts'
import { ByteStream } from './byte-stream.ts'
import {
  type DataFrame,
  encodeFrame,
  parseFrame,
  type ResetReason,
  SESSION_BYTES,
  type StreamFrame,
  type StreamId,
} from './frames.ts'
import { OpenedStreams } from './opened-streams.ts'
import { StreamError } from './stream-error.ts'
import { DEFAULT_STREAM_OPTIONS, FIRST_WINDOW_BYTES, type StreamOptions } from './stream-options.ts'

const KIB = 1024
/** Words of resets on their way at once; a flood of strange frames makes no more. */
const MOST_RESETS = 64
/** Streams that ended well remembered, for frames whose sender heard of no arrival. */
const MOST_FINISHED = 2_048
/** How often streams are looked at. */
const CHECK_EVERY_MS = 5_000

export interface StreamMultiplexerNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly rng: Rng
  /** Takes streams that others open; without it they are refused. */
  readonly accept?: ((stream: ByteStream) => void) | undefined
}

/** What streams did, for whoever runs them. */
export interface StreamStats {
  readonly streams: number
  readonly peers: number
  /** Held for somebody to read or for the network to take. */
  readonly bufferedBytes: number
  /** Since it began: streams opened here and taken from others, frames that were none. */
  readonly opened: number
  readonly taken: number
  readonly refused: number
  readonly malformed: number
  /** Of all frames, since it began. */
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Many reliable streams of bytes to many peers, over one transport of messages that may come in any order, or not come. */
export class StreamMultiplexer {
  readonly #needs: StreamMultiplexerNeeds
  readonly #options: StreamOptions
  readonly #session: string
  readonly #budget: ByteBudget
  readonly #opened: OpenedStreams
  readonly #streams = new Map<string, ByteStream>()
  /** Ended well: what still comes was said before, and there is nothing to complain of. */
  readonly #finished = new Set<string>()
  readonly #perPeer = new Map<PeerId, number>()
  readonly #closing = new AbortController()
  readonly #stopHearing: () => void
  readonly #goodbyes = new Set<Promise<void>>()
  readonly #counts = { opened: 0, taken: 0, refused: 0, malformed: 0, receivedBytes: 0, sentBytes: 0 }
  #lastNumber = 0
  #isWatching = false
  #isTaking = true

  constructor(needs: StreamMultiplexerNeeds, options: Partial<StreamOptions> = {}) {
    const all = { ...DEFAULT_STREAM_OPTIONS, ...options }
    this.#needs = needs
    this.#options = all
    this.#session = toHex(needs.rng.bytes(SESSION_BYTES))
    this.#budget = new ByteBudget(all.mostBufferedBytes)
    this.#opened = new OpenedStreams(needs.clock.now(), all.mostSessions)
    this.#stopHearing = needs.transport.onFrame((from, frame) => this.#hear(from, frame))
  }

  /** A new stream to a peer, which learns of it with the first bytes. Throws `streams.too_many` or `streams.closed`. */
  open(peer: PeerId): ByteStream {
    if (this.#closing.signal.aborted) throw new StreamError({ code: 'streams.closed' })
    const full = this.#fullOf(peer)
    if (full) throw new StreamError({ code: 'streams.too_many', ...full })
    this.#lastNumber += 1
    this.#counts.opened += 1
    return this.#add(peer, { session: this.#session, number: this.#lastNumber }, 'opener')
  }

  stats(): StreamStats {
    const bufferedBytes = this.#streams.values().reduce((sum, stream) => sum + stream.bufferedBytes, 0)
    return { streams: this.#streams.size, peers: this.#perPeer.size, bufferedBytes, ...this.#counts }
  }

  /** Takes no more streams, breaks off those that are there, and ends when the other ends know, or so much later. */
  async stop(withinMs: number): Promise<void> {
    this.#isTaking = false
    for (const stream of this.#streams.values()) stream.cancel()
    const waited = new AbortController()
    const late = this.#needs.clock.sleep(withinMs, waited.signal).catch(() => undefined)
    await Promise.race([Promise.all(this.#goodbyes), late])
    waited.abort()
    this.close()
  }

  /** Ends all streams, telling nobody. */
  close(): void {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#stopHearing()
    for (const stream of this.#streams.values()) stream.fail(new StreamError({ code: 'streams.closed' }))
  }

  #hear(from: PeerId, bytes: Uint8Array): void {
    this.#counts.receivedBytes += bytes.length
    const frame = parseFrame(bytes)
    if (!frame) return void (this.#counts.malformed += 1)
    const stream = this.#streams.get(nameOf(from, frame)) ?? this.#unknown(from, frame)
    if (!stream) return
    if (frame.kind === 'data') stream.takeData(frame)
    else if (frame.kind === 'window') stream.takeWindow(frame.limit)
    else stream.takeReset(frame.reason)
  }

  /** A stream that is new with this frame, if it opens one that may be. */
  #unknown(from: PeerId, frame: StreamFrame): ByteStream | undefined {
    const now = this.#needs.clock.now()
    if (frame.kind === 'reset') {
      // What it broke off is not to be opened by a frame that comes later.
      if (frame.session !== this.#session) this.#opened.note(from, frame, now, now)
      return undefined
    }
    if (this.#finished.has(nameOf(from, frame))) return undefined
    if (frame.kind === 'window' || frame.openedAt === undefined) {
      this.#sayReset(from, frame, 'unknown')
      return undefined
    }
    return this.#take(from, frame, frame.openedAt)
  }

  #take(from: PeerId, frame: DataFrame, openedAt: number): ByteStream | undefined {
    const { accept, clock } = this.#needs
    if (frame.session === this.#session) return undefined
    const opening = this.#opened.note(from, frame, openedAt, clock.now())
    if (opening === 'repeated') return undefined
    const refusal: ResetReason | undefined =
      opening === 'stale' ? 'stale' : !accept || !this.#isTaking ? 'refused' : this.#fullOf(from) ? 'busy' : undefined
    if (refusal || !accept) {
      this.#counts.refused += 1
      this.#sayReset(from, frame, refusal ?? 'refused')
      return undefined
    }
    this.#counts.taken += 1
    const stream = this.#add(from, frame, 'taker')
    accept(stream)
    return stream
  }

  #fullOf(peer: PeerId): { readonly most: number; readonly of: string } | undefined {
    const { mostStreamsPerPeer, mostStreams } = this.#options
    if ((this.#perPeer.get(peer) ?? 0) >= mostStreamsPerPeer)
      return { most: mostStreamsPerPeer, of: 'streams with this peer' }
    if (this.#streams.size >= mostStreams) return { most: mostStreams, of: 'streams' }
    return undefined
  }

  #add(peer: PeerId, { session, number }: StreamId, role: 'opener' | 'taker'): ByteStream {
    const id = { session, number }
    // Those of all streams are within the budget: as many first windows fit as there may be streams.
    if (!this.#budget.take(FIRST_WINDOW_BYTES))
      throw new StreamError({ code: 'streams.too_many', most: this.#streams.size, of: 'streams' })
    const name = nameOf(peer, id)
    const stream = new ByteStream(
      {
        peer,
        id,
        role,
        clock: this.#needs.clock,
        budget: this.#budget,
        frameBytes: (packets) => this.#frameBytes(packets),
        deliver: (make, signal) => this.#deliver(peer, make, signal),
        sayReset: (reason) => this.#sayReset(peer, id, reason),
        over: (how) => this.#forget(peer, name, how),
      },
      this.#options,
    )
    this.#streams.set(name, stream)
    this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1)
    void this.#watch()
    return stream
  }

  #forget(peer: PeerId, name: string, how: 'finished' | 'broken'): void {
    this.#streams.delete(name)
    if (how === 'finished') this.#finished.add(name)
    const [oldest] = this.#finished
    if (this.#finished.size > MOST_FINISHED && oldest !== undefined) this.#finished.delete(oldest)
    const left = (this.#perPeer.get(peer) ?? 1) - 1
    if (left > 0) this.#perPeer.set(peer, left)
    else this.#perPeer.delete(peer)
  }

  #frameBytes(packets: number): number {
    const { maxFrameBytes, packetFit } = this.#needs.transport
    const { firstBytes, nextBytes } = packetFit ?? { firstBytes: KIB, nextBytes: KIB }
    return Math.min(maxFrameBytes, firstBytes + (packets - 1) * nextBytes)
  }

  async #deliver(peer: PeerId, make: () => Uint8Array, signal: AbortSignal): Promise<void> {
    const { transport, clock } = this.#needs
    const { mostTries, retryMs } = this.#options
    for (let tries = 1; ;) {
      try {
        const frame = make()
        await transport.send(peer, frame, signal)
        this.#counts.sentBytes += frame.length
        return
      } catch (fault) {
        signal.throwIfAborted()
        const code = fault instanceof TransportError ? fault.code : undefined
        // A full queue says nothing of the peer: there will be room.
        if (code !== 'transport.queue_full') tries += 1
        const isHopeless = code !== 'transport.queue_full' && code !== 'transport.peer_unreachable'
        if (isHopeless || tries > mostTries) throw peerLost(peer, fault)
      }
      await clock.sleep(retryMs * tries, signal)
    }
  }

  /** Says it once, as well as it can be said: a stream nobody tells of ends there for silence. */
  #sayReset(peer: PeerId, { session, number }: StreamId, reason: ResetReason): void {
    const { signal } = this.#closing
    if (this.#goodbyes.size >= MOST_RESETS || signal.aborted) return
    const frame = encodeFrame({ kind: 'reset', session, number, reason })
    const said = this.#deliver(peer, () => frame, signal).then(
      () => void this.#goodbyes.delete(said),
      () => void this.#goodbyes.delete(said),
    )
    this.#goodbyes.add(said)
  }

  /** Looks after streams for as long as there are any. */
  async #watch(): Promise<void> {
    if (this.#isWatching) return
    this.#isWatching = true
    const { clock } = this.#needs
    const { probeMs, mostIdleMs } = this.#options
    const everyMs = Math.min(CHECK_EVERY_MS, probeMs / 4, mostIdleMs / 4)
    while (this.#streams.size > 0 && !this.#closing.signal.aborted) {
      await clock.sleep(everyMs, this.#closing.signal).catch(() => undefined)
      const now = clock.now()
      for (const stream of this.#streams.values()) stream.check(now)
    }
    this.#isWatching = false
  }
}

function nameOf(peer: PeerId, { session, number }: StreamId): string {
  return `${peer} ${session} ${number}`
}

function peerLost(peer: PeerId, cause: unknown): StreamError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StreamError({ code: 'streams.peer_lost', peer, why }, { cause })
}
