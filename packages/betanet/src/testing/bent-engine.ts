import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type DhKeyPair, equalBytes, type NoiseSuite, toHex } from '@fog/kernel'
import { LINK_MESSAGE } from '../link/index.ts'
import { MixEngine, type MixEngineOptions, type Neighbour } from '../node/index.ts'
import { suites } from '../sphinx/index.ts'
import { RawPeer } from './raw-peer.ts'
import type { SimFault } from './sim-mix.ts'

const NOTHING = new Uint8Array(0)

/**
 * The threads of a real mix node with something bad between them and its neighbours: its links out end here, packets are dropped,
 * held or doubled as a test wants, and go on over real links, authenticated as the node's own. The test knows all nodes' link keys, so that
 * the node meets the neighbours it knows.
 */
export class BentEngine extends MixEngine {
  fault: SimFault | undefined
  readonly #noise: NoiseSuite
  readonly #options: MixEngineOptions
  readonly #linkKeys: readonly DhKeyPair[]
  readonly #relays = new Map<string, Relay>()

  constructor(options: MixEngineOptions, noise: NoiseSuite, linkKeys: readonly DhKeyPair[]) {
    super(options)
    this.#linkKeys = linkKeys
    this.#options = options
    this.#noise = noise
  }

  override setNeighbours(neighbours: readonly Neighbour[]): void {
    void Promise.all(neighbours.map((neighbour) => this.#relayTo(neighbour))).then((bent) => super.setNeighbours(bent))
  }

  override async stop(): Promise<void> {
    for (const relay of this.#relays.values()) relay.close()
    await super.stop()
  }

  #relayTo(neighbour: Neighbour): Promise<Neighbour> {
    const name = toHex(neighbour.nodeId)
    const relay = this.#relays.get(name) ?? this.#newRelay(neighbour)
    this.#relays.set(name, relay)
    return relay.towards(neighbour)
  }

  #newRelay({ linkKey }: Neighbour): Relay {
    const keys = this.#linkKeys.find(({ publicKey }) => equalBytes(publicKey, linkKey))
    if (!keys) throw new Error('a neighbour that is no node of the test')
    return new Relay(this.#noise, { near: keys, far: this.#options.linkKeys }, (packet) => this.#bend(packet))
  }

  #bend(packet: Uint8Array): ReturnType<SimFault> {
    return this.fault?.(packet) ?? [{ packet, lateMs: 0 }]
  }
}

interface RelayKeys {
  /** The neighbour's, and the bent node's. */
  readonly near: DhKeyPair
  readonly far: DhKeyPair
}

/** Stands in for one neighbour towards the bent node, and for the node towards the neighbour. */
class Relay {
  readonly #noise: NoiseSuite
  readonly #keys: RelayKeys
  readonly #bend: SimFault
  readonly #server: Server
  readonly #listening: Promise<number>
  readonly #peers = new Set<RawPeer>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #neighbour: Neighbour | undefined

  constructor(noise: NoiseSuite, keys: RelayKeys, bend: SimFault) {
    this.#noise = noise
    this.#keys = keys
    this.#bend = bend
    this.#server = createServer({ noDelay: true }, (socket) => void this.#accept(socket))
    this.#listening = new Promise((resolve) =>
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port)),
    )
  }

  /** The neighbour as the bent node is told of it. */
  async towards(neighbour: Neighbour): Promise<Neighbour> {
    this.#neighbour = neighbour
    return { ...neighbour, host: '127.0.0.1', ports: [await this.#listening] }
  }

  close(): void {
    this.#server.close()
    for (const peer of this.#peers) peer.close()
    for (const timer of this.#timers) clearTimeout(timer)
  }

  async #accept(socket: Socket): Promise<void> {
    const near = this.#add(new RawPeer(this.#noise, socket, { own: this.#keys.near }))
    const far = this.#add(
      new RawPeer(this.#noise, this.#neighbour!.ports[0]!, { own: this.#keys.far, remote: this.#neighbour!.linkKey }),
    )
    void Promise.race([near.closed, far.closed]).then(() => [near, far].forEach((peer) => peer.close()))
    await Promise.all([near.handshake(), far.handshake()])
    try {
      for (;;) this.#pass(await near.message(), near, far)
    } catch {
      // The link is over, and the node opens another.
    }
  }

  #pass({ type, body }: { readonly type: number; readonly body: Uint8Array }, near: RawPeer, far: RawPeer): void {
    if (type === LINK_MESSAGE.ping) near.sendMessage(LINK_MESSAGE.pong, NOTHING)
    if (type !== LINK_MESSAGE.packets) return
    const { packetBytes } = suites.betanetKemX25519.geometry
    for (let at = 0; at < body.length; at += packetBytes) {
      for (const { packet, lateMs } of this.#bend(body.slice(at, at + packetBytes))) {
        if (lateMs === 0) far.send(packet)
        else this.#later(lateMs, () => far.send(packet))
      }
    }
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }

  #add(peer: RawPeer): RawPeer {
    this.#peers.add(peer)
    void peer.closed.then(() => this.#peers.delete(peer))
    return peer
  }
}
