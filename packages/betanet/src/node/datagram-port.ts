import { createSocket, type Socket } from 'node:dgram'
import type { NoiseSuite } from '@fog/kernel'
import { DATAGRAM_KEY_BYTES, DatagramSession, SESSION_ID_BYTES } from '../link/index.ts'

/** What the system keeps of datagrams that came while the thread was busy; it may give less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** Datagrams handed to the system and not sent yet, from which on more are dropped. */
const MOST_UNSENT = 4096

export interface DatagramPortOptions {
  readonly suite: NoiseSuite
  /** Most sessions of others at once. */
  readonly mostSessions: number
  /** A genuine datagram's packet lies at the start of `scratch`, which is the port's own. */
  readonly packet: (scratch: Buffer, bytes: number) => void
  /** A datagram of no session, or not genuine. */
  readonly refused: () => void
}

/** The UDP port of a vertical: sends and takes sealed packets for sessions whose keys came over links. */
export class DatagramPort {
  readonly #options: DatagramPortOptions
  readonly #socket: Socket
  readonly #incoming = new Map<string, DatagramSession>()
  readonly #scratch = Buffer.alloc(65_536)
  #unsent = 0

  constructor(options: DatagramPortOptions, host: string) {
    this.#options = options
    this.#socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES })
    this.#socket.on('message', (datagram) => this.#take(datagram))
    // A refused datagram of a peer that is gone comes back as an error; the link to it tells what happened.
    this.#socket.on('error', () => undefined)
  }

  async bind(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.once('error', reject)
    this.#socket.bind({ address: host, port, exclusive: true }, resolve)
    await promise
    this.#socket.off('error', reject)
  }

  /** Takes datagrams of a session whose id and key a peer sent over its link. False when there are too many, or it is none. */
  accept(offer: Uint8Array): string | undefined {
    if (offer.length !== SESSION_ID_BYTES + DATAGRAM_KEY_BYTES) return undefined
    if (this.#incoming.size >= this.#options.mostSessions) return undefined
    const id = Uint8Array.from(offer.subarray(0, SESSION_ID_BYTES))
    const name = nameOf(id)
    if (this.#incoming.has(name)) return undefined
    const key = Uint8Array.from(offer.subarray(SESSION_ID_BYTES))
    this.#incoming.set(name, new DatagramSession(this.#options.suite, { id, key }))
    return name
  }

  forget(name: string): void {
    this.#incoming.get(name)?.wipe()
    this.#incoming.delete(name)
  }

  /** Hands a datagram to the system. False when too many wait. */
  send(datagram: Buffer, port: number, host: string): boolean {
    if (this.#unsent >= MOST_UNSENT) return false
    this.#unsent += 1
    this.#socket.send(datagram, port, host, this.#sent)
    return true
  }

  close(): void {
    for (const name of this.#incoming.keys()) this.forget(name)
    this.#socket.close()
  }

  readonly #sent = (): void => {
    this.#unsent -= 1
  }

  #take(datagram: Buffer): void {
    const session = this.#incoming.get(nameOf(datagram))
    const bytes = session?.open(datagram, this.#scratch) ?? 0
    if (bytes === 0) return this.#options.refused()
    this.#options.packet(this.#scratch, bytes)
  }
}

function nameOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, Math.min(SESSION_ID_BYTES, id.length)).toString('latin1')
}
