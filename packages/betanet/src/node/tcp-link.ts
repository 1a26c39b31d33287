import type { Socket } from 'node:net'
import { isFogError } from '@fog/kernel'
import { BODY_AT, FrameReader, LINK_MESSAGE, LinkError, type LinkMessage, type LinkSession } from '../link/index.ts'
import { type FramePool, PACKETS_A_FRAME } from './frame-pool.ts'
import type { Wire } from './wire.ts'

/** What a link tells its vertical. */
export interface LinkEvents {
  /** The handshake is done; `remoteKey` is proved. Answer false to refuse the peer. */
  opened(link: TcpLink, remoteKey: Uint8Array): boolean
  /** Bytes wait to be read by `readFrame`. */
  readable(link: TcpLink): void
  /** `unsent` packets were given up: queued, and not yet with the system. */
  closed(link: TcpLink, why: string, unsent: number): void
}

export interface LinkLimits {
  readonly packetBytes: number
  /** Unsent bytes from which on packets are dropped. */
  readonly mostUnsentBytes: number
  /** Frames kept while the handshake is under way. */
  readonly mostWaitingFrames: number
  /** Unread bytes from which on the peer is made to wait, and again read from at a quarter. */
  readonly pauseAtBytes: number
  readonly handshakeMs: number
  /** After so long without a word the peer is asked, after three times as long it is gone. */
  readonly silenceMs: number
}

/** What became of a packet handed to a link. */
export type Queued = 'queued' | 'link_full' | 'no_frame'

/**
 * A link over one TCP connection. Packets are gathered in frames and sent sixteen at a time or at `flush`; what comes is
 * read when the vertical has time for it. Every queue is bounded.
 */
export class TcpLink {
  readonly #socket: Socket
  readonly #session: LinkSession
  readonly #pool: FramePool
  readonly #limits: LinkLimits
  readonly #events: LinkEvents
  readonly #reader = new FrameReader()
  readonly #waiting: { readonly frame: Uint8Array; readonly bytes: number }[] = []
  #filling: Uint8Array | undefined
  #filled = 0
  /** Packets that the socket has, and the system not yet. */
  #writing = 0
  #isPaused = false
  #isClosed = false
  #openedAt: number
  #heardAt: number
  #sentAt = 0

  constructor({
    wire,
    session,
    pool,
    limits,
    events,
    now,
  }: {
    readonly wire: Wire
    readonly session: LinkSession
    readonly pool: FramePool
    readonly limits: LinkLimits
    readonly events: LinkEvents
    readonly now: number
  }) {
    const { socket } = wire
    this.#socket = socket
    this.#session = session
    this.#pool = pool
    this.#limits = limits
    this.#events = events
    this.#openedAt = now
    this.#heardAt = now
    socket.setNoDelay(true)
    wire.onBytes((piece) => this.#take(piece))
    socket.once('error', (error) => this.close(error.message))
    socket.once('close', () => this.close('the peer closed the connection'))
  }

  get isOpen(): boolean {
    return this.#session.isOpen && !this.#isClosed
  }

  /** The peer's link key, proved; undefined until the link is open. */
  get remoteKey(): Uint8Array | undefined {
    return this.#session.remoteKey
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? 'unknown'
  }

  /** Begins the handshake: the initiator's part. */
  begin(): void {
    this.#socket.write(this.#session.begin())
  }

  /** Takes a copy of the packet at `offset`. Dropped, with the reason, when the peer does not keep up. */
  queuePacket(bytes: Uint8Array, offset: number): Queued {
    const { packetBytes } = this.#limits
    if (this.#filled === 0) {
      if (this.#isFull()) return 'link_full'
      this.#filling = this.#pool.take()
    }
    const frame = this.#filling
    if (!frame) return 'no_frame'
    frame.set(bytes.subarray(offset, offset + packetBytes), BODY_AT + this.#filled * packetBytes)
    this.#filled += 1
    if (this.#filled === PACKETS_A_FRAME) this.flush()
    return 'queued'
  }

  /** Sends what was gathered; before the handshake is done only full frames are put aside, so that few hold much. */
  flush(): void {
    const frame = this.#filling
    if (this.#filled === 0 || !frame) return
    const isFull = this.#filled === PACKETS_A_FRAME
    if (!this.#session.isOpen && !isFull) return
    const bytes = this.#filled * this.#limits.packetBytes
    this.#filling = undefined
    this.#filled = 0
    if (!this.#session.isOpen) return void this.#waiting.push({ frame, bytes })
    this.#sendFrame(frame, bytes)
  }

  /** Sends one message that is no packet: its body is copied. False when the peer does not keep up. */
  sendMessage(type: LinkMessage, body: Uint8Array): boolean {
    if (!this.isOpen || this.#isFull()) return false
    const frame = new Uint8Array(BODY_AT + body.length + 16)
    frame.set(body, BODY_AT)
    this.#write(this.#session.seal(frame, type, body.length))
    return true
  }

  /**
   * Opens the next frame that came into `out`: how many bytes, the first of them the message's type; 0 when none is whole.
   * A frame that is not genuine closes the link.
   */
  readFrame(out: Uint8Array): number {
    if (this.#isClosed) return 0
    try {
      const body = this.#reader.next()
      const bytes = body ? this.#session.open(body, out) : 0
      if (this.#isPaused && this.#reader.buffered * 4 < this.#limits.pauseAtBytes) this.#resume()
      return bytes
    } catch (error) {
      this.#fail(error)
      return 0
    }
  }

  /** Looks after the link once in a while: a handshake that hangs and a peer that is silent are closed. */
  check(now: number): void {
    const { handshakeMs, silenceMs } = this.#limits
    if (!this.#session.isOpen) {
      if (now - this.#openedAt < handshakeMs) return
      return this.close(new LinkError({ code: 'link.handshake_timeout', afterMs: handshakeMs }).message)
    }
    if (now - this.#heardAt > 3 * silenceMs) return this.close('the peer was silent for too long')
    if (now - Math.max(this.#heardAt, this.#sentAt) > silenceMs) {
      this.#sentAt = now
      this.sendMessage(LINK_MESSAGE.ping, new Uint8Array(0))
    }
  }

  /** Notes that the peer was heard: whoever reads frames says when. */
  heard(now: number): void {
    this.#heardAt = now
  }

  /** Ends the link; what was not sent is given up. */
  close(why: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const unsent = this.#filled + this.#waiting.length * PACKETS_A_FRAME + this.#writing
    if (this.#filling) this.#pool.give(this.#filling)
    for (const { frame } of this.#waiting.splice(0)) this.#pool.give(frame)
    this.#filling = undefined
    this.#filled = 0
    this.#session.close()
    this.#reader.clear()
    this.#socket.destroy()
    this.#events.closed(this, why, unsent)
  }

  /** Lets what was queued go out, then closes. */
  end(): void {
    this.flush()
    this.#socket.end()
  }

  #take(piece: Uint8Array): void {
    if (this.#isClosed) return
    this.#reader.push(piece)
    if (!this.#session.isOpen) this.#shake()
    if (this.#isClosed || this.#reader.buffered === 0 || !this.#session.isOpen) return
    if (this.#reader.buffered > this.#limits.pauseAtBytes && !this.#isPaused) {
      this.#isPaused = true
      this.#socket.pause()
    }
    this.#events.readable(this)
  }

  #resume(): void {
    this.#isPaused = false
    this.#socket.resume()
  }

  #shake(): void {
    try {
      while (!this.#session.isOpen) {
        const body = this.#reader.next()
        if (!body) return
        const answer = this.#session.shake(body)
        if (answer) this.#socket.write(answer)
      }
    } catch (error) {
      return this.#fail(error)
    }
    const { remoteKey } = this.#session
    if (!remoteKey || !this.#events.opened(this, remoteKey)) return this.close('the peer is not known here')
    for (const { frame, bytes } of this.#waiting.splice(0)) this.#sendFrame(frame, bytes)
    this.flush()
  }

  #sendFrame(frame: Uint8Array, bytes: number): void {
    const sealed = this.#session.seal(frame, LINK_MESSAGE.packets, bytes)
    const packets = bytes / this.#limits.packetBytes
    this.#writing += packets
    this.#write(sealed, () => {
      this.#writing -= packets
      this.#pool.give(frame)
    })
  }

  #write(bytes: Uint8Array, done?: () => void): void {
    this.#socket.write(bytes, done)
  }

  #isFull(): boolean {
    const { mostUnsentBytes, mostWaitingFrames } = this.#limits
    return this.#socket.writableLength > mostUnsentBytes || this.#waiting.length >= mostWaitingFrames
  }

  #fail(error: unknown): void {
    if (!isFogError(error)) throw error
    this.close(error.message)
  }
}
