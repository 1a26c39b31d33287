import { homeGateways } from '@fog/betanet'
import type { Consensus } from '@fog/betanet/directory'
import { type Clock, type DhKeyPair, type NoiseSuite, type Rng, toHex } from '@fog/kernel'
import type { Log } from '../../platform.ts'
import type { MixProbes, ProbeResult } from '../probes.ts'
import { Deck } from './deck.ts'
import type { LoopOutcome } from './estimate-losses.ts'
import { ProbePeer } from './probe-peer.ts'
import type { ProbeMetrics } from './probe-metrics.ts'
import { Ways } from './ways.ts'

export interface ProberNeeds {
  readonly clock: Clock
  readonly rng: Rng
  readonly noise: NoiseSuite
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** The consensus in force, if there is one. */
  readonly consensus: () => Promise<Consensus | undefined>
  readonly probes: MixProbes
  readonly metrics: ProbeMetrics
  readonly log: Log
}

export interface ProberOptions {
  /** Loops sent, at most: those that are not sent in time are not made up for. */
  readonly perMinute: number
  /** What machines and links add to a loop's delays: one that is later than the longest likely delays and this is lost. */
  readonly slackMs?: number
}

/** Clients at once: each has two gateways, and with more of these clients change with the epoch, so that each has its turn. */
const MOST_PEERS = 4
/** Keys that are tried until one's gateways are those that nobody has yet. */
const MOST_TRIES = 2_048
const ENOUGH_TRIES = 256
/** How often the consensus is looked at and what was found is noted. */
const LOOK_EVERY_MS = 1_000
const LONGEST_REST_MS = 50
const SLACK_MS = 5_000
/** A step that is so late was held up with all that came over the links: nothing can be said of what was under way. */
const STANDSTILL_MS = 2_000

/**
 * Measures the nodes of the network for the control plane that leads: sends loops through it to itself, as a few ordinary clients
 * would, and notes of each whether it came back, when, and which way it took. What that says of nodes is `chargeLosses`'.
 */
export class Prober {
  readonly #needs: ProberNeeds
  readonly #options: ProberOptions
  readonly #results: ProbeResult[] = []
  #peers: ProbePeer[] = []
  #consensus: Consensus | undefined
  #ways: Ways | undefined
  #names: readonly string[] = []
  #turns: Deck<string>
  #isRotating = false
  #lookedAt = -Infinity
  #steppedAt: number | undefined
  #nextProbeAt = 0

  constructor(needs: ProberNeeds, options: ProberOptions) {
    this.#needs = needs
    this.#options = options
    this.#turns = new Deck<string>([], needs.rng)
  }

  /** Probes until the signal, then forgets what is under way. A fault is logged, and it goes on. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, now } = this.#needs
    try {
      while (!signal.aborted) {
        try {
          await this.step()
        } catch (fault) {
          if (!signal.aborted) log.error({ err: fault }, 'probing the mixnet failed and will go on')
          this.#lookedAt = now()
        }
        const nextAt = Math.min(this.#lookedAt + LOOK_EVERY_MS, ...this.#peers.map((peer) => peer.nextAt))
        const restMs = Math.max(1, nextAt - now())
        await clock
          .sleep(this.#peers.length > 0 ? Math.min(LONGEST_REST_MS, restMs) : LOOK_EVERY_MS, signal)
          .catch(() => undefined)
      }
    } finally {
      this.close()
    }
  }

  /** Does what is due. Whoever drives it by hand calls this again and again. */
  async step(): Promise<void> {
    const { now, metrics } = this.#needs
    if (now() - this.#lookedAt >= LOOK_EVERY_MS) await this.#look()
    const at = now()
    if (at - (this.#steppedAt ?? at) > STANDSTILL_MS)
      metrics.counted(
        'void',
        this.#peers.reduce((sum, peer) => sum + peer.forget(), 0),
      )
    this.#steppedAt = at
    for (const peer of this.#peers) {
      peer.expire(at)
      if (this.#ways)
        metrics.counted(
          'sent',
          peer.emit(this.#ways, () => this.#takeProbe(at)),
        )
    }
  }

  /** Ends all links; what is under way is forgotten. */
  close(): void {
    for (const peer of this.#peers.splice(0)) this.#leave(peer)
    this.#consensus = undefined
    this.#ways = undefined
    this.#steppedAt = undefined
  }

  #takeProbe(at: number): boolean {
    if (at < this.#nextProbeAt) return false
    const everyMs = 60_000 / this.#options.perMinute
    this.#nextProbeAt = Math.max(this.#nextProbeAt + everyMs, at)
    return true
  }

  async #look(): Promise<void> {
    const { now, consensus: read, probes, rng } = this.#needs
    this.#lookedAt = now()
    await probes.note(this.#results.splice(0))
    const consensus = await read()
    if (consensus?.epoch === this.#consensus?.epoch) return
    this.#consensus = consensus
    this.#ways = consensus && new Ways(consensus, rng)
    if (consensus) this.#setPeers(consensus)
    else for (const peer of this.#peers.splice(0)) this.#leave(peer)
  }

  /** Clients whose gateways are all there are, or as many as they can have: then others have their turn in the next epoch. */
  #setPeers(consensus: Consensus): void {
    const names = gatewaysOf(consensus)
    if (names.join() !== this.#names.join()) this.#turns = new Deck(names, this.#needs.rng)
    this.#names = names
    const covered = new Set<string>()
    const before = this.#peers.splice(0)
    for (const peer of before) {
      const homes = homesOf(consensus, peer.key)
      const isOfUse = !this.#isRotating && homes.some((home) => !covered.has(home))
      if (!isOfUse) this.#leave(peer)
      else this.#peers.push(peer)
      if (isOfUse) for (const home of homes) covered.add(home)
    }
    while (this.#peers.length < MOST_PEERS && covered.size < names.length) {
      const keys = this.#keysFor(consensus, covered)
      for (const home of homesOf(consensus, keys.publicKey)) covered.add(home)
      this.#peers.push(this.#newPeer(keys))
    }
    this.#isRotating = covered.size < names.length
    const { clientSendMeanMs } = consensus.parameters
    const probeMeanMs = (60_000 / this.#options.perMinute) * this.#peers.length
    for (const peer of this.#peers) peer.setNetwork(consensus, clientSendMeanMs || probeMeanMs)
  }

  /** A key that has the gateway whose turn it is for a home, and another that nobody has yet, if one is found soon. */
  #keysFor(consensus: Consensus, covered: ReadonlySet<string>): DhKeyPair {
    const wanted = this.#turns.draw((name) => !covered.has(name))!
    let best = { keys: this.#needs.noise.makeKeyPair(), score: -1 }
    for (let tries = 0; tries < MOST_TRIES && best.score < 3; tries++) {
      const keys = this.#needs.noise.makeKeyPair()
      const homes = homesOf(consensus, keys.publicKey)
      const others = homes.filter((home) => home !== wanted)
      const score = (homes.includes(wanted) ? 2 : 0) + (others.every((home) => !covered.has(home)) ? 1 : 0)
      if (score > best.score) best = { keys, score }
      if (best.score >= 2 && tries >= ENOUGH_TRIES) break
    }
    return best.keys
  }

  #newPeer(keys: DhKeyPair): ProbePeer {
    const { slackMs = SLACK_MS } = this.#options
    return new ProbePeer({ ...this.#needs, slackMs, outcome: (outcome) => this.#note(outcome) }, keys)
  }

  #note(outcome: LoopOutcome): void {
    const { clock, metrics } = this.#needs
    metrics.came(outcome)
    this.#results.push({ ...outcome, at: clock.now() })
  }

  #leave(peer: ProbePeer): void {
    this.#needs.metrics.counted('void', peer.forget())
    peer.close()
  }
}

function gatewaysOf({ nodes }: Consensus): string[] {
  const gateways = nodes.filter(({ place }) => place === 'gateway')
  return gateways.map(({ signed }) => toHex(signed.descriptor.identityKey))
}

function homesOf(consensus: Consensus, key: Uint8Array): string[] {
  return homeGateways(consensus, key).map(({ signed }) => toHex(signed.descriptor.identityKey))
}
