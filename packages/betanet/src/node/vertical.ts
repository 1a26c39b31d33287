import type { DhKeyPair, NoiseSuite, Rng } from '@fog/kernel'
import { LINK_MESSAGE, MAX_BODY_BYTES } from '../link/index.ts'
import { type PacketArrival, type EpochKey, Pipeline } from '../mix/pipeline.ts'
import { Slab } from '../mix/slab.ts'
import type { Stats } from '../mix/stats.ts'
import type { SphinxSuite } from '../sphinx/index.ts'
import { DatagramPort } from './datagram-port.ts'
import { FramePool } from './frame-pool.ts'
import { type Neighbour, OutLinks } from './out-links.ts'
import { CLIENT_LINK_RATE, type LinkRateLimits } from './link-rate.ts'
import { LinksIn } from './links-in.ts'
import type { LinkLimits, TcpLink } from './tcp-link.ts'

/** So many packets are unwrapped before what is due is sent and other links have their turn: less than a millisecond. */
const SLICE_PACKETS = 16
/** How often links are looked after. */
const CHECK_EVERY_MS = 250

export interface VerticalLimits {
  /** Packets that may wait at once. */
  readonly slots: number
  readonly mostLinksIn: number
  /** Frames that may wait for sockets at once. */
  readonly frames: number
  readonly link: Omit<LinkLimits, 'packetBytes'>
  /** Of each client's link. */
  readonly clientRate: LinkRateLimits
}

export const DEFAULT_VERTICAL_LIMITS: VerticalLimits = {
  slots: 32_768,
  mostLinksIn: 1024,
  frames: 2048,
  link: {
    mostUnsentBytes: 4 * 1024 * 1024,
    mostWaitingFrames: 64,
    pauseAtBytes: 256 * 1024,
    handshakeMs: 5_000,
    silenceMs: 20_000,
  },
  clientRate: CLIENT_LINK_RATE,
}

const NOTHING = new Uint8Array(0)

/** One turn of the wheel: longer delays stay for another. */
const WHEEL_TICKS = 4096

export interface VerticalEvents {
  /** A packet was at its last hop here; the bytes are valid only during the call. */
  arrived(arrival: PacketArrival): void
  /** A client's link came or went. */
  client(linkKey: Uint8Array, isHere: boolean): void
  /** A client took the deliveries with these ids, 16 bytes each. */
  taken(linkKey: Uint8Array, ids: Uint8Array): void
  /** A client wants deliveries at random times, this mean apart, cover among them. */
  paced(linkKey: Uint8Array, meanMs: number): void
  linkClosed(peer: string, why: string): void
}

export interface VerticalOptions {
  readonly suite: SphinxSuite
  readonly noise: NoiseSuite
  readonly linkKeys: DhKeyPair
  /** Which of the node's threads this is. */
  readonly thread: number
  /** Whether links of those who are no nodes are taken. */
  readonly takesClients: boolean
  readonly limits: VerticalLimits
  readonly stats: Stats
  readonly events: VerticalEvents
  /** Where to listen. */
  readonly host: string
  /** Whether packets are sent and taken as datagrams too, where a neighbour does. */
  readonly datagrams: boolean
  readonly rng: Rng
  /** Milliseconds that only grow, to a microsecond. */
  readonly now: () => number
}

/**
 * One thread's whole way of packets: its own listener, links, slots and wheel; nothing is shared with other threads but the
 * replay filters. Runs in slices: a few packets of each link that has some, then what is due goes out.
 */
export class Vertical {
  readonly #options: VerticalOptions
  readonly #pipeline: Pipeline
  readonly #out: OutLinks
  readonly #in: LinksIn
  readonly #datagramPort: DatagramPort | undefined
  /** Sessions of datagrams that a link's peer sends. */
  readonly #sessions = new Map<TcpLink, string>()
  readonly #linkLimits: LinkLimits
  readonly #pool: FramePool
  readonly #scratch = Buffer.from(new ArrayBuffer(MAX_BODY_BYTES + 1))
  /** Links with bytes to read, and since when. */
  readonly #ready = new Map<TcpLink, number>()
  #isScheduled = false
  #timer: NodeJS.Timeout | undefined
  readonly #checks: NodeJS.Timeout

  constructor(options: VerticalOptions) {
    const { suite, noise, linkKeys, thread, takesClients, limits, stats, events, rng, now } = options
    const { packetBytes } = suite.geometry
    this.#options = options
    this.#linkLimits = { ...limits.link, packetBytes }
    this.#pool = new FramePool({ packetBytes, most: limits.frames })
    const slab = new Slab({ slots: limits.slots, slotBytes: packetBytes })
    this.#datagramPort = options.datagrams ? this.#openDatagramPort() : undefined
    this.#out = new OutLinks({
      suite: noise,
      own: linkKeys,
      pool: this.#pool,
      limits: this.#linkLimits,
      datagramPort: this.#datagramPort,
      rng,
      thread,
      now,
      dropped: (reason, packets) => stats.drop(reason, packets),
      readable: (link) => this.#readable(link),
    })
    this.#pipeline = new Pipeline({
      suite,
      slab,
      stats,
      routes: this.#out.routes,
      now: now(),
      wheelTicks: WHEEL_TICKS,
      events: {
        send: (route, offset) => this.#out.send(route, slab.bytes, offset),
        arrived: (arrival) => events.arrived(arrival),
      },
    })
    this.#in = new LinksIn({
      noise,
      linkKeys,
      pool: this.#pool,
      limits: this.#linkLimits,
      most: limits.mostLinksIn,
      takesClients,
      clientRate: limits.clientRate,
      now,
      events: {
        readable: (link) => this.#readable(link),
        closed: (link, why) => this.#closed(link, why),
        client: (linkKey, isHere) => events.client(linkKey, isHere),
      },
    })
    this.#checks = setInterval(() => this.#check(), CHECK_EVERY_MS)
  }

  /** Starts to listen; answers the port. */
  async listen(port: number): Promise<number> {
    const { host } = this.#options
    const bound = await this.#in.listen(host, port)
    await this.#datagramPort?.bind(host, bound)
    return bound
  }

  setKeys(keys: readonly EpochKey[]): void {
    this.#pipeline.setKeys(keys)
  }

  /** The other nodes: whom packets can go to, and whose links are taken. */
  setNeighbours(neighbours: readonly Neighbour[]): void {
    const remap = this.#out.setNeighbours(neighbours)
    this.#pipeline.setRoutes(this.#out.routes, remap)
    this.#in.setPeers(neighbours.map(({ linkKey }) => linkKey))
  }

  /** Sends a packet of this node's own: cover, or a probe. */
  sendPacket(nodeId: Uint8Array, packet: Uint8Array): boolean {
    const sent = this.#out.send(this.#out.routes.find(nodeId), packet, 0) === undefined
    this.#out.flush()
    return sent
  }

  /** Hands a delivery to a client whose link is here. False when it is not, or does not keep up. */
  deliver(linkKey: Uint8Array, body: Uint8Array): boolean {
    return this.#in.deliver(linkKey, body)
  }

  /** Takes no new links and no more packets; resolves when all that waited has gone out. */
  async drain(): Promise<void> {
    this.#in.end()
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (this.#pipeline.held > 0 || this.#ready.size > 0) return void setTimeout(look, 5)
      resolve()
    }
    look()
    await promise
    this.#out.end()
    this.#datagramPort?.close()
    this.#rest()
  }

  /** Stops at once; what waits is lost. */
  stop(): void {
    this.#out.close()
    this.#datagramPort?.close()
    this.#rest()
  }

  #rest(): void {
    clearInterval(this.#checks)
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#in.close()
  }

  #openDatagramPort(): DatagramPort {
    const { noise, limits, host, stats, now, suite } = this.#options
    return new DatagramPort(
      {
        suite: noise,
        mostSessions: limits.mostLinksIn,
        refused: () => stats.drop('not_genuine'),
        packet: (scratch, bytes) => {
          if (bytes !== suite.geometry.packetBytes) return stats.drop('malformed')
          const startedAt = now()
          stats.add('bytesIn', bytes)
          this.#pipeline.take(scratch, 0, startedAt)
          stats.record('service', now() - startedAt)
          this.#wind()
        },
      },
      host,
    )
  }

  #closed(link: TcpLink, why: string): void {
    this.#ready.delete(link)
    const session = this.#sessions.get(link)
    if (session !== undefined) this.#datagramPort?.forget(session)
    this.#sessions.delete(link)
    this.#options.events.linkClosed(link.remoteAddress, why)
  }

  #readable(link: TcpLink): void {
    if (!this.#ready.has(link)) this.#ready.set(link, this.#options.now())
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    this.#pipeline.advance(this.#options.now())
    let budget = SLICE_PACKETS
    while (budget > 0) {
      const [next] = this.#ready
      if (!next) break
      const [link, since] = next
      this.#ready.delete(link)
      if (this.#in.holds(link)) continue
      const packets = this.#readFrame(link, since)
      if (packets === undefined) continue
      this.#in.took(link, packets)
      // To the end of the line: one link that has much does not hold up the others.
      this.#ready.set(link, since)
      budget -= Math.max(1, packets)
    }
    this.#out.flush()
    if (this.#ready.size > 0) this.#schedule()
    this.#wind()
  }

  /** Takes one frame: how many packets it had, or undefined when no whole one is there. */
  #readFrame(link: TcpLink, since: number): number | undefined {
    const { now, stats } = this.#options
    const startedAt = now()
    const bytes = link.readFrame(this.#scratch)
    if (bytes === 0) return undefined
    link.heard(startedAt)
    stats.add('bytesIn', bytes)
    if (this.#scratch[0] !== LINK_MESSAGE.packets) return this.#takeMessage(link, bytes)
    const { packetBytes } = this.#linkLimits
    let at = 1
    for (let begunAt = startedAt; at + packetBytes <= bytes; at += packetBytes) {
      this.#pipeline.take(this.#scratch, at, begunAt)
      const doneAt = now()
      stats.record('queueing', begunAt - since)
      stats.record('service', doneAt - begunAt)
      begunAt = doneAt
    }
    if (at !== bytes) stats.drop('malformed')
    return Math.floor((bytes - 1) / packetBytes)
  }

  #takeMessage(link: TcpLink, bytes: number): number {
    const body = this.#scratch.subarray(1, bytes)
    switch (this.#scratch[0]) {
      case LINK_MESSAGE.ping:
        link.sendMessage(LINK_MESSAGE.pong, NOTHING)
        break
      case LINK_MESSAGE.taken:
        if (link.remoteKey) this.#options.events.taken(link.remoteKey, Uint8Array.from(body))
        break
      case LINK_MESSAGE.pace:
        if (link.remoteKey && body.length === 2 && this.#in.isClient(link)) {
          this.#options.events.paced(link.remoteKey, (body[0]! << 8) | body[1]!)
        }
        break
      case LINK_MESSAGE.datagrams:
        this.#acceptDatagrams(link, body)
        break
      case LINK_MESSAGE.ready:
        this.#out.ready(link)
        break
    }
    return 0
  }

  /** One session a link of another node; without a port for them packets go on coming over the link, as clients' always do. */
  #acceptDatagrams(link: TcpLink, offer: Uint8Array): void {
    const isRefused = this.#sessions.has(link) || this.#in.isClient(link)
    const session = isRefused ? undefined : this.#datagramPort?.accept(offer)
    if (session === undefined) return
    this.#sessions.set(link, session)
    link.sendMessage(LINK_MESSAGE.ready, NOTHING)
  }

  /** While packets wait, the wheel is looked at every millisecond. */
  #wind(): void {
    if (this.#timer || this.#pipeline.held === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#run()
    }, 1)
  }

  #check(): void {
    const now = this.#options.now()
    this.#in.check(now)
    this.#out.check(now)
    const { stats } = this.#options
    stats.set('held', this.#pipeline.held)
    stats.set('linksIn', this.#in.size)
    stats.set('linksOut', this.#out.open)
  }
}
