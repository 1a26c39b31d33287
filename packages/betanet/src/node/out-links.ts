import { concat, type DhKeyPair, equalBytes, type NoiseSuite, type Rng } from '@fog/kernel'
import { DATAGRAM_KEY_BYTES, DatagramSession, LINK_MESSAGE, LinkSession, SESSION_ID_BYTES } from '../link/index.ts'
import type { DropReason } from '../mix/drops.ts'
import { NO_ROUTE, Routes } from '../mix/routes.ts'
import type { DatagramPort } from './datagram-port.ts'
import type { FramePool } from './frame-pool.ts'
import { type LinkEvents, type LinkLimits, TcpLink } from './tcp-link.ts'
import { connectWire } from './wire.ts'

/** Another node as this one reaches it. */
export interface Neighbour {
  /** 32 bytes. */
  readonly nodeId: Uint8Array
  /** 32 bytes, X25519. */
  readonly linkKey: Uint8Array
  readonly host: string
  /** One for each of its threads. */
  readonly ports: readonly number[]
  /** Whether packets go to it as datagrams, to the same ports, once its link is open. */
  readonly datagrams?: boolean | undefined
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000

interface Out {
  readonly neighbour: Neighbour
  link: TcpLink | undefined
  /** Offered to the neighbour; used from when it is ready. */
  datagrams: { readonly session: DatagramSession; isReady: boolean } | undefined
  retryMs: number
  retryAt: number
}

export interface OutLinksOptions {
  readonly suite: NoiseSuite
  readonly own: DhKeyPair
  readonly pool: FramePool
  readonly limits: LinkLimits
  readonly datagramPort: DatagramPort | undefined
  readonly rng: Rng
  /** Which of a neighbour's ports this thread takes, so that its threads share the work. */
  readonly thread: number
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** So many packets were lost with their link. */
  readonly dropped: (reason: DropReason, packets: number) => void
  /** What a neighbour says on a link this node opened. */
  readonly readable: (link: TcpLink) => void
}

/** The links this thread opens to other nodes: one each, when the first packet is for it, and again when it broke. */
export class OutLinks {
  readonly #options: OutLinksOptions
  readonly #events: LinkEvents
  readonly #dirty = new Set<TcpLink>()
  #outs: Out[] = []
  #routes = new Routes([])

  constructor(options: OutLinksOptions) {
    this.#options = options
    this.#events = {
      opened: (link) => {
        const out = this.#outOf(link)
        if (!out) return false
        out.retryMs = FIRST_RETRY_MS
        if (out.neighbour.datagrams && options.datagramPort) this.#offerDatagrams(out, link)
        return true
      },
      readable: options.readable,
      closed: (link, _, unsent) => this.#closed(link, unsent),
    }
  }

  get routes(): Routes {
    return this.#routes
  }

  get open(): number {
    return this.#outs.filter(({ link }) => link?.isOpen).length
  }

  /** Takes a new list of neighbours; links to those that stay as they were stay open. Answers where each old route went. */
  setNeighbours(neighbours: readonly Neighbour[]): (route: number) => number {
    const before = this.#outs
    this.#outs = neighbours.map((neighbour) => {
      const same = before.find((out) => isSame(out.neighbour, neighbour))
      return same ?? { neighbour, link: undefined, datagrams: undefined, retryMs: FIRST_RETRY_MS, retryAt: 0 }
    })
    this.#routes = new Routes(neighbours.map(({ nodeId }) => nodeId))
    const moved = before.map(({ neighbour }) => this.#routes.find(neighbour.nodeId))
    for (const out of before) if (!this.#outs.includes(out)) out.link?.end()
    return (route) => moved[route] ?? NO_ROUTE
  }

  /** Queues a copy of the packet at `offset` for the route, or says why it is dropped. */
  send(route: number, bytes: Uint8Array, offset: number): DropReason | undefined {
    const out = this.#outs[route]
    const link = out && (out.link ?? this.#connect(out))
    if (out?.datagrams?.isReady) return this.#sendDatagram(out, out.datagrams.session, bytes, offset)
    if (!link || link.queuePacket(bytes, offset) !== 'queued') return 'link_full'
    this.#dirty.add(link)
    return undefined
  }

  /** The neighbour on the other end takes datagrams now. */
  ready(link: TcpLink): void {
    const out = this.#outOf(link)
    if (out?.datagrams) out.datagrams.isReady = true
  }

  /** Sends all that was gathered. */
  flush(): void {
    for (const link of this.#dirty) link.flush()
    this.#dirty.clear()
  }

  check(now: number): void {
    for (const { link } of this.#outs) link?.check(now)
  }

  /** Lets what was queued go out, then closes all. */
  end(): void {
    this.flush()
    for (const { link } of this.#outs) link?.end()
  }

  close(): void {
    for (const { link } of this.#outs) link?.close('the node stops')
  }

  #connect(out: Out): TcpLink | undefined {
    const { suite, own, pool, limits, thread, now } = this.#options
    if (now() < out.retryAt) return undefined
    const { neighbour } = out
    const port = portOf(neighbour, thread)
    if (port === undefined) return undefined
    const wire = connectWire({ host: neighbour.host, port })
    const session = new LinkSession(suite, { own, remote: neighbour.linkKey })
    const link = new TcpLink({ wire, session, pool, limits, events: this.#events, now: now() })
    out.link = link
    link.begin()
    return link
  }

  #closed(link: TcpLink, unsent: number): void {
    if (unsent > 0) this.#options.dropped('link_full', unsent)
    this.#dirty.delete(link)
    const out = this.#outOf(link)
    if (!out) return
    out.link = undefined
    out.datagrams?.session.wipe()
    out.datagrams = undefined
    out.retryAt = this.#options.now() + out.retryMs
    out.retryMs = Math.min(LONGEST_RETRY_MS, out.retryMs * 2)
  }

  #offerDatagrams(out: Out, link: TcpLink): void {
    const { suite, rng } = this.#options
    const [id, key] = [rng.bytes(SESSION_ID_BYTES), rng.bytes(DATAGRAM_KEY_BYTES)]
    link.sendMessage(LINK_MESSAGE.datagrams, concat(id, key))
    out.datagrams = { session: new DatagramSession(suite, { id, key }), isReady: false }
  }

  #sendDatagram(
    { neighbour }: Out,
    session: DatagramSession,
    bytes: Uint8Array,
    offset: number,
  ): DropReason | undefined {
    const { datagramPort, thread, limits } = this.#options
    const port = portOf(neighbour, thread)
    if (port === undefined) return 'no_route'
    const datagram = session.seal(bytes, offset, limits.packetBytes)
    return datagramPort?.send(datagram, port, neighbour.host) ? undefined : 'link_full'
  }

  #outOf(link: TcpLink): Out | undefined {
    return this.#outs.find((out) => out.link === link)
  }
}

function portOf({ ports }: Neighbour, thread: number): number | undefined {
  return ports[thread % ports.length]
}

function isSame(a: Neighbour, b: Neighbour): boolean {
  return (
    equalBytes(a.nodeId, b.nodeId) &&
    equalBytes(a.linkKey, b.linkKey) &&
    a.host === b.host &&
    a.datagrams === b.datagrams &&
    a.ports.join() === b.ports.join()
  )
}
