import {
  encodeLoop,
  erlangQuantile,
  HOLDING_HOPS,
  homeGateways,
  LOOP_ID_BYTES,
  openPayload,
  parseContent,
  pathDelay,
  PoissonTimes,
  sealPayload,
} from '@fog/betanet'
import { type Consensus, type ConsensusNode, packetEpochAt } from '@fog/betanet/directory'
import { PathChooser } from '@fog/betanet/lottery'
import { GatewayLinks, parseDelivery } from '@fog/betanet/node'
import { buildPacket, type PathHop, RECIPIENT_BYTES, suites } from '@fog/betanet/sphinx'
import { type Clock, type DhKeyPair, equalBytes, type NoiseSuite, randomBelow, type Rng, toHex } from '@fog/kernel'
import { Deck } from './deck.ts'
import type { LoopOutcome } from './estimate-losses.ts'
import type { Ways } from './ways.ts'

export interface PeerNeeds {
  readonly clock: Clock
  readonly rng: Rng
  readonly noise: NoiseSuite
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** Later than the longest likely delays and this, a loop is lost. */
  readonly slackMs: number
  /** What became of a loop. */
  readonly outcome: (outcome: LoopOutcome) => void
}

const SUITE = suites.betanetKemX25519
const NOBODY = new Uint8Array(RECIPIENT_BYTES)
/** One loop in a million has longer delays than are waited for. */
const LATE_SHARE = 1e-6
/** A gateway that has not let a client in for so long counts as one that loses its packets. */
const LINK_MS = 10_000
/** A packet that is sent later in an epoch may come to its last hop in the next. */
const MARGIN_MS = 500
const MOST_OPEN = 4_096

interface OpenLoop {
  readonly names: readonly string[]
  readonly sentAt: number
  readonly lostAt: number
  /** A gateway whose link broke while it was under way: the others say nothing about it any more. */
  brokenAt: string | undefined
}

interface Network {
  readonly consensus: Consensus
  readonly homes: readonly ConsensusNode[]
  readonly ends: Deck<{ readonly entry: ConsensusNode; readonly exit: ConsensusNode }>
  readonly chooser: PathChooser
}

/**
 * A client of the network that nobody can tell from others: a key of its own, links to its two home gateways, packets at the random
 * times of the network's common rate. Where an ordinary client's message takes the place of cover, its loops do; they are sealed
 * as messages are, so that even the exit gateway sees nothing else.
 */
export class ProbePeer {
  readonly #needs: PeerNeeds
  readonly #own: DhKeyPair
  readonly #links: GatewayLinks
  readonly #open = new Map<string, OpenLoop>()
  /** Since when a home gateway's link is not open. */
  readonly #shutSince = new Map<string, number>()
  #network: Network | undefined
  #times: PoissonTimes | undefined

  constructor(needs: PeerNeeds, own: DhKeyPair) {
    this.#needs = needs
    this.#own = own
    this.#links = new GatewayLinks({
      suite: SUITE,
      noise: needs.noise,
      own,
      now: needs.now,
      events: {
        opened: () => undefined,
        closed: (gatewayId) => this.#linkClosed(toHex(gatewayId)),
        delivered: (delivery) => this.#delivered(delivery),
      },
    })
  }

  /** 32 bytes: its public key. */
  get key(): Uint8Array {
    return this.#own.publicKey
  }

  /** When it sends next, in the time of `now`. */
  get nextAt(): number {
    return this.#times?.nextAt ?? Infinity
  }

  /** Takes the network as it is now. `meanMs`: the mean time between its packets. */
  setNetwork(consensus: Consensus, meanMs: number): void {
    const { rng, now } = this.#needs
    const homes = homeGateways(consensus, this.#own.publicKey)
    const ends = homes.flatMap((entry) => homes.map((exit) => ({ entry, exit })))
    this.#network = { consensus, homes, ends: new Deck(ends, rng), chooser: new PathChooser(consensus) }
    const kept = new Set(homes.map(nameOf))
    for (const gateway of this.#shutSince.keys()) if (!kept.has(gateway)) this.#shutSince.delete(gateway)
    for (const gateway of kept) if (!this.#shutSince.has(gateway)) this.#shutSince.set(gateway, now())
    this.#links.setGateways(homes)
    if (this.#times?.meanMs !== meanMs) this.#times = new PoissonTimes({ rng, now: now() }, meanMs)
  }

  /** Sends what is due; `takeProbe` is asked before each packet whether it is to be a loop. Answers how many loops were sent. */
  emit(ways: Ways, takeProbe: () => boolean): number {
    const { now, clock } = this.#needs
    const network = this.#network
    if (!network) return 0
    let sent = 0
    while (this.#times?.isDue(now())) {
      const isTimely = clock.now() < network.consensus.freshUntil - MARGIN_MS
      if (isTimely && this.#open.size < MOST_OPEN && takeProbe()) sent += this.#sendLoop(network, ways)
      else this.#sendCover(network)
    }
    this.#links.flush()
    return sent
  }

  /** Counts loops that are not back as lost. */
  expire(now: number): void {
    for (const [loopId, { names, lostAt, brokenAt }] of this.#open) {
      if (lostAt > now) return
      this.#open.delete(loopId)
      this.#needs.outcome({ hops: brokenAt === undefined ? names : [brokenAt], tookMs: undefined })
    }
  }

  /** Forgets what is under way, of which nothing can be said any more; answers how many loops that were. */
  forget(): number {
    const { size } = this.#open
    this.#open.clear()
    return size
  }

  close(): void {
    this.#network = undefined
    this.#links.close()
  }

  #sendLoop({ consensus, ends }: Network, ways: Ways): number {
    const { rng, now, clock, noise, slackMs } = this.#needs
    const { entry, exit } = ends.draw()!
    for (const gateway of [entry, exit]) {
      if (this.#isOpen(gateway)) continue
      const since = this.#shutSince.get(nameOf(gateway)) ?? now()
      if (now() - since > LINK_MS) this.#needs.outcome({ hops: [nameOf(gateway)], tookMs: undefined })
      return 0
    }
    const way = ways.next(entry, exit)
    if (!way) return 0
    const loopId = rng.bytes(LOOP_ID_BYTES)
    const to = { own: this.#own, to: this.#own.publicKey, payloadBytes: SUITE.geometry.payloadBytes }
    const payload = sealPayload(noise, to, encodeLoop(clock.now(), loopId))
    if (!payload) return 0
    const hops = way.hops.map((hop, i) =>
      i === way.hops.length - 1 ? { ...hop, recipient: this.#own.publicKey } : hop,
    )
    const sentAt = now()
    if (!this.#send(consensus.epoch, hops, payload)) return 0
    this.#open.set(toHex(loopId), {
      names: way.names,
      sentAt,
      lostAt: sentAt + longestMs(consensus) + slackMs,
      brokenAt: undefined,
    })
    return 1
  }

  #sendCover({ consensus, homes, chooser }: Network): void {
    const { rng, clock } = this.#needs
    const open = homes.filter((gateway) => this.#isOpen(gateway))
    const entry = open[randomBelow(rng, open.length)]?.signed.descriptor.identityKey
    const epoch = packetEpochAt(consensus, clock.now())
    const outcome = entry && chooser.choose({ epoch, entry }, rng)
    if (!outcome?.ok) return
    const last = outcome.hops.length - 1
    const hops = outcome.hops.map(({ nodeId: id, sphinxKey: publicKey }, i) => {
      const hop = { id, publicKey, delayClass: 0 }
      return i === last ? { ...hop, recipient: NOBODY } : hop
    })
    this.#send(epoch, hops, rng.bytes(SUITE.geometry.payloadBytes))
  }

  #send(epoch: number, hops: readonly PathHop[], payload: Uint8Array): boolean {
    const packet = buildPacket(SUITE, hops, payload, this.#needs.rng, { epochParity: (epoch % 2) as 0 | 1 })
    return this.#links.send(hops[0]!.id, packet)
  }

  #isOpen(gateway: ConsensusNode): boolean {
    const { now } = this.#needs
    const isOpen = this.#links.open().some((id) => equalBytes(id, gateway.signed.descriptor.identityKey))
    if (isOpen) this.#shutSince.set(nameOf(gateway), now())
    return isOpen
  }

  #linkClosed(gateway: string): void {
    const isHome = this.#network?.homes.some((home) => nameOf(home) === gateway) ?? false
    for (const [loopId, loop] of this.#open) {
      if (loop.names[0] !== gateway && loop.names.at(-1) !== gateway) continue
      // It is no home any more, and the link was closed from here.
      if (!isHome) this.#open.delete(loopId)
      else loop.brokenAt = gateway
    }
  }

  #delivered(delivery: Uint8Array): Uint8Array | undefined {
    const parsed = parseDelivery(delivery)
    if (!parsed) return undefined
    const opened = openPayload(this.#needs.noise, this.#own, parsed.body)
    const content = opened && parseContent(SUITE, opened.content)
    // Whoever knows the key may seal something for it, but only the peer itself as the peer.
    if (content?.kind === 'loop' && equalBytes(opened!.from, this.#own.publicKey)) this.#returned(toHex(content.loopId))
    return parsed.id.slice()
  }

  #returned(loopId: string): void {
    const loop = this.#open.get(loopId)
    if (!loop) return
    this.#open.delete(loopId)
    this.#needs.outcome({ hops: loop.names, tookMs: this.#needs.now() - loop.sentAt })
  }
}

function longestMs({ parameters }: Consensus): number {
  return (erlangQuantile(HOLDING_HOPS, LATE_SHARE) * pathDelay(parameters, 0).meanMs) / HOLDING_HOPS
}

function nameOf({ signed }: ConsensusNode): string {
  return toHex(signed.descriptor.identityKey)
}
