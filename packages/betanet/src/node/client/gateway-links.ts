import { concat, type DhKeyPair, equalBytes, type NoiseSuite, toHex } from '@fog/kernel'
import type { ConsensusNode } from '../../directory/index.ts'
import { LINK_MESSAGE, LinkSession, MAX_BODY_BYTES } from '../../link/index.ts'
import type { SphinxSuite } from '../../sphinx/index.ts'
import { FramePool } from '../frame-pool.ts'
import { neighbourOf } from '../neighbours.ts'
import type { Neighbour } from '../out-links.ts'
import { type LinkLimits, TcpLink } from '../tcp-link.ts'
import { connectWire } from '../wire.ts'

const NOTHING = new Uint8Array(0)
/** Frames of sixteen packets, for all links together. */
const FRAMES = 64
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000
/** How often links are looked after. */
const CHECK_EVERY_MS = 100

export const CLIENT_LINK_LIMITS: Omit<LinkLimits, 'packetBytes'> = {
  mostUnsentBytes: 1024 * 1024,
  mostWaitingFrames: 16,
  pauseAtBytes: 256 * 1024,
  handshakeMs: 5_000,
  silenceMs: 20_000,
}

interface Gateway {
  readonly neighbour: Neighbour
  link: TcpLink | undefined
  retryMs: number
  retryAt: number
  /** Another of its ports is tried each time. */
  tries: number
}

export interface GatewayLinksNeeds {
  readonly suite: SphinxSuite
  readonly noise: NoiseSuite
  readonly own: DhKeyPair
  /** Milliseconds that only grow. */
  readonly now: () => number
  /**
   * The mean time between deliveries from each gateway, 1 to 65,535 ms, cover among them, so that nobody who watches the link sees
   * when something comes. Without it they come when they are there.
   */
  readonly receiveMeanMs?: number | undefined
  readonly events: {
    opened(gatewayId: Uint8Array): void
    closed(gatewayId: Uint8Array, why: string): void
    /** A delivery; its id, to be told to the gateway as taken, or undefined. */
    delivered(delivery: Uint8Array): Uint8Array | undefined
  }
}

/** A client's links to its gateways over TCP: opened again when they break, by another port of the gateway, ever more seldom. */
export class GatewayLinks {
  readonly #needs: GatewayLinksNeeds
  readonly #limits: LinkLimits
  readonly #pool: FramePool
  readonly #scratch = new Uint8Array(MAX_BODY_BYTES + 1)
  readonly #checks: NodeJS.Timeout
  #gateways: Gateway[] = []
  #nodes: readonly ConsensusNode[] = []
  #isClosed = false

  constructor(needs: GatewayLinksNeeds, limits: Omit<LinkLimits, 'packetBytes'> = CLIENT_LINK_LIMITS) {
    const { packetBytes } = needs.suite.geometry
    this.#needs = needs
    this.#limits = { ...limits, packetBytes }
    this.#pool = new FramePool({ packetBytes, most: FRAMES })
    this.#checks = setInterval(() => this.#check(), CHECK_EVERY_MS)
  }

  /** Links to these gateways from now on; those that stay as they were stay open. */
  setGateways(nodes: readonly ConsensusNode[]): void {
    if (this.#isClosed || nodes === this.#nodes) return
    this.#nodes = nodes
    const before = this.#gateways
    this.#gateways = nodes.flatMap(({ signed }) => {
      const neighbour = neighbourOf(signed.descriptor)
      if (!neighbour) return []
      const same = before.find((gateway) => isSame(gateway.neighbour, neighbour))
      return [same ?? { neighbour, link: undefined, retryMs: FIRST_RETRY_MS, retryAt: 0, tries: 0 }]
    })
    for (const gateway of before)
      if (!this.#gateways.includes(gateway)) gateway.link?.close('no gateway of this client')
    this.#check()
  }

  /** Ids of the gateways whose link is open. */
  open(): readonly Uint8Array[] {
    return this.#gateways.filter(({ link }) => link?.isOpen).map(({ neighbour }) => neighbour.nodeId)
  }

  /** Hands a packet over, to leave at `flush`. False when the link does not keep up or is gone. */
  send(gatewayId: Uint8Array, packet: Uint8Array): boolean {
    const link = this.#gateways.find(({ neighbour }) => equalBytes(neighbour.nodeId, gatewayId))?.link
    return link?.isOpen === true && link.queuePacket(packet, 0) === 'queued'
  }

  /** Sends what was handed over since: what is due at one moment shares a frame. */
  flush(): void {
    for (const { link } of this.#gateways) if (link?.isOpen) link.flush()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#checks)
    for (const { link } of this.#gateways.splice(0)) link?.close('the client stops')
  }

  #check(): void {
    const now = this.#needs.now()
    for (const gateway of this.#gateways) {
      gateway.link?.check(now)
      if (!gateway.link && now >= gateway.retryAt) this.#connect(gateway, now)
    }
  }

  #connect(gateway: Gateway, now: number): void {
    const { noise, own } = this.#needs
    const { host, ports, linkKey, nodeId } = gateway.neighbour
    // Clients spread over a gateway's threads by their keys.
    const port = ports[(own.publicKey[0]! + gateway.tries) % ports.length]
    if (port === undefined) return
    gateway.tries += 1
    const link = new TcpLink({
      wire: connectWire({ host, port }),
      session: new LinkSession(noise, { own, remote: linkKey }),
      pool: this.#pool,
      limits: this.#limits,
      now,
      events: {
        opened: (opened) => {
          gateway.retryMs = FIRST_RETRY_MS
          this.#askPace(opened)
          this.#needs.events.opened(nodeId)
          return true
        },
        readable: (from) => this.#read(from),
        closed: (_, why) => this.#closed(gateway, why),
      },
    })
    gateway.link = link
    link.begin()
  }

  #askPace(link: TcpLink): void {
    const meanMs = this.#needs.receiveMeanMs
    if (meanMs !== undefined) link.sendMessage(LINK_MESSAGE.pace, Uint8Array.of(meanMs >>> 8, meanMs & 255))
  }

  #closed(gateway: Gateway, why: string): void {
    gateway.link = undefined
    gateway.retryAt = this.#needs.now() + gateway.retryMs
    gateway.retryMs = Math.min(LONGEST_RETRY_MS, 2 * gateway.retryMs)
    if (!this.#isClosed) this.#needs.events.closed(gateway.neighbour.nodeId, why)
  }

  #read(link: TcpLink): void {
    const taken: Uint8Array[] = []
    for (let bytes = link.readFrame(this.#scratch); bytes > 0; bytes = link.readFrame(this.#scratch)) {
      link.heard(this.#needs.now())
      const type = this.#scratch[0]
      if (type === LINK_MESSAGE.ping) link.sendMessage(LINK_MESSAGE.pong, NOTHING)
      const id = type === LINK_MESSAGE.deliver ? this.#needs.events.delivered(this.#scratch.slice(1, bytes)) : undefined
      if (id) taken.push(id)
    }
    // One word for all: the gateway keeps each until then.
    if (taken.length > 0) link.sendMessage(LINK_MESSAGE.taken, concat(...taken))
  }
}

function isSame(a: Neighbour, b: Neighbour): boolean {
  const nameOf = ({ nodeId, linkKey, host, ports }: Neighbour) =>
    [toHex(nodeId), toHex(linkKey), host, ports.join()].join(' ')
  return nameOf(a) === nameOf(b)
}
