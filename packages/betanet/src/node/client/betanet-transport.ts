import type { Clock, DhKeyPair, NoiseSuite, Rng } from '@fog/kernel'
import { keyOfPeer, type PacketFit, type PeerId, peerIdOf, type Transport } from '@fog/p2p'
import { BetaNetClient, type BetaNetClientOptions, type ClientReport, type SuspicionEvent } from '../../client/index.ts'
import { type DirectoryClient, type StandingEvent, StandingWatch } from '../../directory/index.ts'
import { type SphinxSuite, suites } from '../../sphinx/index.ts'
import { GatewayLinks } from './gateway-links.ts'

export interface BetaNetTransportNeeds {
  /** The peer's keys, X25519: whoever knows the public one can send here. */
  readonly keys: DhKeyPair
  /** Holds the consensus. Whoever fetches documents hands them to it, and calls `refresh`. */
  readonly directory: DirectoryClient
  readonly noise: NoiseSuite
  readonly clock: Clock
  readonly rng: Rng
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly suite?: SphinxSuite | undefined
  /** Told when a link to a gateway opens or closes, when consensuses stay away or come again, and which nodes loops blame. */
  readonly log?: ((event: TransportEvent) => void) | undefined
}

export interface BetaNetTransportOptions extends Partial<BetaNetClientOptions> {
  /**
   * The mean time between deliveries from each gateway, 1 to 65,535 ms, cover among them, so that nobody who watches the line sees
   * when something comes. Without it they come when they are there.
   */
  readonly receiveMeanMs?: number | undefined
}

export type GatewayEvent =
  | { readonly type: 'gateway.opened'; readonly gatewayId: Uint8Array }
  | { readonly type: 'gateway.closed'; readonly gatewayId: Uint8Array; readonly why: string }

export type TransportEvent = GatewayEvent | StandingEvent | SuspicionEvent

/** How a transport stands with the network. */
export interface BetaNetStatus extends ClientReport {
  /** Gateways with an open link. */
  readonly gateways: readonly Uint8Array[]
}

/** A look at the consensus at least this often: its epoch may have begun. */
const LONGEST_WAIT_MS = 1_000

/** The mixnet as a transport: frames to peers by way of gateways and mixes, acknowledged from end to end. */
export class BetaNetTransport implements Transport {
  readonly name = 'betanet'
  readonly peer: PeerId
  readonly #needs: BetaNetTransportNeeds
  readonly #client: BetaNetClient
  readonly #links: GatewayLinks
  readonly #receivers = new Set<(from: PeerId, frame: Uint8Array) => void>()
  readonly #standing = new StandingWatch()
  #timer: NodeJS.Timeout | undefined
  #wakesAt = Infinity
  #isRunning = false
  #isAwake = false

  constructor(needs: BetaNetTransportNeeds, options: BetaNetTransportOptions = {}) {
    const { keys, directory, noise, clock, rng, now, suite = suites.betanetKemX25519, log } = needs
    this.peer = peerIdOf(keys.publicKey)
    this.#needs = needs
    this.#links = new GatewayLinks({
      suite,
      noise,
      own: keys,
      now,
      receiveMeanMs: options.receiveMeanMs,
      events: {
        opened: (gatewayId) => {
          log?.({ type: 'gateway.opened', gatewayId })
          this.#client.linksChanged()
        },
        closed: (gatewayId, why) => {
          log?.({ type: 'gateway.closed', gatewayId, why })
          this.#client.linksChanged(gatewayId)
        },
        delivered: (delivery) => this.#client.handle(delivery),
      },
    })
    this.#client = new BetaNetClient(
      {
        suite,
        noise,
        own: keys,
        directory,
        clock,
        rng,
        now,
        links: this.#links,
        events: {
          received: (from, message) => {
            for (const receive of this.#receivers) receive(peerIdOf(from), message)
          },
          changed: () => this.#schedule(),
          suspected: (event) => log?.(event),
        },
      },
      options,
    )
  }

  get maxFrameBytes(): number {
    return this.#client.mostMessageBytes
  }

  get packetFit(): PacketFit {
    return this.#client.packetFit
  }

  /** Opens links and begins to emit, as soon as there is a consensus. */
  start(): void {
    this.#isRunning = true
    this.refresh()
  }

  /** Gives up what is on its way and closes all links. */
  stop(): void {
    this.#isRunning = false
    clearTimeout(this.#timer)
    this.#client.close()
    this.#links.close()
    this.#receivers.clear()
  }

  /** The directory has another consensus. */
  refresh(): void {
    if (this.#isRunning) this.#wake()
  }

  send(to: PeerId, frame: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#client.send(keyOfPeer(to), frame, signal)
  }

  onFrame(receive: (from: PeerId, frame: Uint8Array) => void): () => void {
    this.#receivers.add(receive)
    return () => void this.#receivers.delete(receive)
  }

  status(): BetaNetStatus {
    return { ...this.#client.report(), gateways: this.#links.open() }
  }

  /** Does what is due, and sleeps until more is. */
  #wake(): void {
    this.#isAwake = true
    const told = this.#standing.look(this.#needs.directory.standing())
    if (told) this.#needs.log?.(told)
    this.#links.setGateways(this.#client.homes())
    this.#client.advance()
    this.#links.flush()
    this.#isAwake = false
    this.#wakesAt = Infinity
    this.#schedule()
  }

  #schedule(): void {
    if (!this.#isRunning || this.#isAwake) return
    const now = this.#needs.now()
    const at = Math.min(this.#client.nextAt, now + LONGEST_WAIT_MS)
    if (this.#wakesAt <= at) return
    clearTimeout(this.#timer)
    this.#wakesAt = at
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, Math.ceil(at - now)))
  }
}
