import { connect, type Socket } from 'node:net'
import { concat, type DhKeyPair, type NoiseSuite } from '@fog/kernel'
import {
  BODY_AT,
  FRAME_OVERHEAD_BYTES,
  FrameReader,
  LINK_MESSAGE,
  type LinkMessage,
  LinkSession,
  MAX_BODY_BYTES,
} from '../link/index.ts'

/** The far end of a link, in the hands of a test: it says what it is told to, well or badly. */
export class RawPeer {
  readonly socket: Socket
  readonly session: LinkSession
  readonly closed: Promise<void>
  readonly #isFirst: boolean
  readonly #reader = new FrameReader()
  readonly #messages: { readonly type: number; readonly body: Uint8Array }[] = []
  #wake: (() => void) | undefined

  /** Connects to a port of this machine, or answers on a socket that was accepted. `handshake()` opens the link. */
  constructor(noise: NoiseSuite, end: number | Socket, { own, remote }: { own: DhKeyPair; remote?: Uint8Array }) {
    this.socket = typeof end === 'number' ? connect({ host: '127.0.0.1', port: end, noDelay: true }) : end
    this.#isFirst = typeof end === 'number'
    this.session = new LinkSession(noise, { own, remote })
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()))
    this.socket.on('error', () => undefined)
    this.socket.on('data', (piece: Uint8Array) => this.#take(piece))
    this.socket.once('close', () => this.#wake?.())
  }

  async handshake(): Promise<this> {
    if (this.#isFirst) this.socket.write(this.session.begin())
    while (!this.session.isOpen && !this.socket.destroyed) await this.#next()
    return this
  }

  /** Sends packets, sealed in one frame. */
  send(...packets: readonly Uint8Array[]): void {
    this.sendMessage(LINK_MESSAGE.packets, concat(...packets))
  }

  sendMessage(type: LinkMessage, body: Uint8Array): void {
    const frame = new Uint8Array(body.length + FRAME_OVERHEAD_BYTES)
    frame.set(body, BODY_AT)
    if (!this.socket.destroyed) this.socket.write(this.session.seal(frame, type, body.length))
  }

  /** The next message that comes over the link. */
  async message(): Promise<{ readonly type: number; readonly body: Uint8Array }> {
    while (this.#messages.length === 0 && !this.socket.destroyed) await this.#next()
    const message = this.#messages.shift()
    if (!message) throw new Error('the link was closed before a message came')
    return message
  }

  close(): void {
    this.socket.destroy()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  #take(piece: Uint8Array): void {
    this.#reader.push(piece)
    for (let body = this.#reader.next(); body; body = this.#reader.next()) {
      if (this.session.isOpen) {
        const out = new Uint8Array(MAX_BODY_BYTES + 1)
        const bytes = this.session.open(body, out)
        this.#messages.push({ type: out[0]!, body: out.slice(1, bytes) })
      } else {
        const answer = this.session.shake(body)
        if (answer) this.socket.write(answer)
      }
    }
    this.#wake?.()
  }
}
