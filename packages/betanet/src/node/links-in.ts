import { createServer, type Server, type Socket } from 'node:net'
import { type DhKeyPair, equalBytes, type NoiseSuite, toHex } from '@fog/kernel'
import { LINK_MESSAGE, LinkSession } from '../link/index.ts'
import type { FramePool } from './frame-pool.ts'
import { ClientRates, type LinkRateLimits } from './link-rate.ts'
import { type LinkLimits, TcpLink } from './tcp-link.ts'
import { adoptWire } from './wire.ts'

const BACKLOG = 128

export interface LinksInEvents {
  /** The link has bytes to read, and may be read from. */
  readable(link: TcpLink): void
  closed(link: TcpLink, why: string): void
  /** A client's link came or went. */
  client(linkKey: Uint8Array, isHere: boolean): void
}

export interface LinksInOptions {
  readonly noise: NoiseSuite
  readonly linkKeys: DhKeyPair
  readonly pool: FramePool
  readonly limits: LinkLimits
  readonly most: number
  /** Whether links of those who are no nodes are taken. */
  readonly takesClients: boolean
  /** Of each client's link. */
  readonly clientRate: LinkRateLimits
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly events: LinksInEvents
}

/** The links that others open to one thread: other nodes', and clients' where they are taken, each held to its rate. */
export class LinksIn {
  readonly #options: LinksInOptions
  readonly #links = new Set<TcpLink>()
  readonly #clients = new Map<string, TcpLink>()
  readonly #rates: ClientRates<TcpLink>
  readonly #server: Server
  #peers: readonly Uint8Array[] = []

  constructor(options: LinksInOptions) {
    const { now, events, clientRate } = options
    this.#options = options
    this.#rates = new ClientRates({ now, readable: (link) => events.readable(link) }, clientRate)
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket))
  }

  get size(): number {
    return this.#links.size
  }

  /** Starts to listen; answers the port. */
  async listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen({ host, port, backlog: BACKLOG }, resolve)
    await promise
    this.#server.off('error', reject)
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : port
  }

  /** Link keys of the other nodes. */
  setPeers(linkKeys: readonly Uint8Array[]): void {
    this.#peers = linkKeys
  }

  /** Whether it is the link of somebody who is no node of the network. */
  isClient(link: TcpLink): boolean {
    return this.#rates.isClient(link)
  }

  /** Whether the link must not be read from now: it is told of again when it may be. */
  holds(link: TcpLink): boolean {
    return this.#rates.holds(link)
  }

  /** A frame with so many packets was read. */
  took(link: TcpLink, packets: number): void {
    this.#rates.took(link, packets)
  }

  /** Hands a delivery to a client whose link is here. False when it is not, or does not keep up. */
  deliver(linkKey: Uint8Array, body: Uint8Array): boolean {
    return this.#clients.get(toHex(linkKey))?.sendMessage(LINK_MESSAGE.deliver, body) ?? false
  }

  check(now: number): void {
    for (const link of this.#links) link.check(now)
  }

  /** Takes no new links; those that are there end when what is queued has gone out. */
  end(): void {
    this.#server.close()
    for (const link of this.#links) link.end()
  }

  close(): void {
    this.#server.close()
    this.#rates.stop()
    for (const link of this.#links) link.close('the node stops')
  }

  #accept(socket: Socket): void {
    const { noise, linkKeys, pool, limits, most, now, events } = this.#options
    if (this.#links.size >= most) return void socket.destroy()
    const link = new TcpLink({
      wire: adoptWire(socket),
      session: new LinkSession(noise, { own: linkKeys }),
      pool,
      limits,
      now: now(),
      events: {
        opened: (opened, remoteKey) => this.#opened(opened, remoteKey),
        readable: (from) => {
          if (!this.#rates.isHeld(from)) events.readable(from)
        },
        closed: (closed, why) => this.#closed(closed, why),
      },
    })
    this.#links.add(link)
  }

  #opened(link: TcpLink, remoteKey: Uint8Array): boolean {
    if (this.#peers.some((peer) => equalBytes(peer, remoteKey))) return true
    if (!this.#options.takesClients) return false
    const name = toHex(remoteKey)
    // The newest link of a client is its own; an old one may be half open.
    this.#clients.get(name)?.close('the client opened another link')
    this.#clients.set(name, link)
    this.#rates.add(link)
    this.#options.events.client(remoteKey, true)
    return true
  }

  #closed(link: TcpLink, why: string): void {
    this.#links.delete(link)
    this.#rates.remove(link)
    const { remoteKey } = link
    const name = remoteKey && toHex(remoteKey)
    if (name !== undefined && this.#clients.get(name) === link) {
      this.#clients.delete(name)
      this.#options.events.client(remoteKey!, false)
    }
    this.#options.events.closed(link, why)
  }
}
