import { homeGateways } from '@fog/betanet'
import type { Consensus, DirectoryClient } from '@fog/betanet/directory'
import { PathChooser, type PathHop } from '@fog/betanet/lottery'
import { GatewayLinks, parseDelivery } from '@fog/betanet/node'
import { buildTracedPacket, suites } from '@fog/betanet/sphinx'
import { pathDelay } from '@fog/betanet'
import { type Clock, type DhKeyPair, type NoiseSuite, type Rng, toHex } from '@fog/kernel'
import { MixError } from '../mix-error.ts'
import type { ProbeRecord } from './probe-record.ts'

const SUITE = suites.betanetKemX25519
const MARK_BYTES = 16
/** Between two probes on average: what a gateway's link hardly notices, also beside other clients. */
const MEAN_GAP_MS = 20
const LINKS_MS = 30_000
/** A probe that is not back so long after the longest likely way is lost. */
const SLACK_MS = 5_000
/** Too near to an epoch's end, its reveal would not be the right one. */
const MARGIN_MS = 500
/** Tries to find a path through the node that is wanted. */
const MOST_TRIES = 2_000

export interface ProberNeeds {
  readonly directory: DirectoryClient
  readonly noise: NoiseSuite
  readonly clock: Clock
  readonly rng: Rng
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly signal: AbortSignal
}

/**
 * Sends packets through the network to itself, under a key made for the purpose. Only it knows what each hop knows a packet by, so
 * a node cannot tell them from others, and has to treat them alike.
 */
export class Prober {
  readonly #needs: ProberNeeds
  readonly #own: DhKeyPair
  readonly #links: GatewayLinks
  readonly #open = new Map<string, { readonly probe: ProbeRecord; readonly sentAt: number }>()
  readonly #back: ProbeRecord[] = []

  constructor(needs: ProberNeeds) {
    const { noise, now } = needs
    this.#needs = needs
    this.#own = noise.makeKeyPair()
    this.#links = new GatewayLinks({
      suite: SUITE,
      noise,
      own: this.#own,
      now,
      events: { opened: () => undefined, closed: () => undefined, delivered: (delivery) => this.#delivered(delivery) },
    })
  }

  /** Sends so many, through `nodeId` where one is named, and waits for them. Throws `mix.no_gateway`. */
  async run(probes: number, nodeId: string | undefined): Promise<readonly ProbeRecord[]> {
    const { clock, rng, signal } = this.#needs
    await this.#linked()
    for (let sent = 0; sent < probes;) {
      const consensus = this.#needs.directory.current()
      if (consensus && clock.now() < consensus.freshUntil - MARGIN_MS) sent += this.#send(consensus, nodeId) ? 1 : 0
      await clock.sleep(Math.min(10 * MEAN_GAP_MS, -Math.log(1 - rng.next()) * MEAN_GAP_MS), signal)
    }
    const parameters = this.#needs.directory.current()?.parameters
    const endsAt = this.#needs.now() + (parameters ? pathDelay(parameters, 0).oneWayMs : 0) + SLACK_MS
    while (this.#open.size > 0 && this.#needs.now() < endsAt) await clock.sleep(20, signal)
    return [...this.#back, ...[...this.#open.values()].map(({ probe }) => probe)]
  }

  close(): void {
    this.#links.close()
  }

  async #linked(): Promise<void> {
    const { directory, clock, now, signal } = this.#needs
    const endsAt = now() + LINKS_MS
    for (;;) {
      const consensus = directory.current()
      const homes = consensus ? homeGateways(consensus, this.#own.publicKey) : []
      this.#links.setGateways(homes)
      if (homes.length > 0 && this.#links.open().length === homes.length) return
      // One may be away: with another probes can be sent all the same.
      if (now() > endsAt && this.#links.open().length > 0) return
      if (now() > endsAt) throw new MixError({ code: 'mix.no_gateway', seconds: LINKS_MS / 1000 })
      await clock.sleep(20, signal)
    }
  }

  #send(consensus: Consensus, nodeId: string | undefined): boolean {
    const { rng, now, clock } = this.#needs
    const path = this.#path(consensus, nodeId)
    if (!path) return false
    const mark = rng.bytes(MARK_BYTES)
    const hops = path.map((hop, i) => ({
      id: hop.nodeId,
      publicKey: hop.sphinxKey,
      delayClass: 0,
      ...(i === path.length - 1 && { recipient: this.#own.publicKey }),
    }))
    const epochParity = (consensus.epoch % 2) as 0 | 1
    const { packet, trace } = buildTracedPacket(SUITE, hops, mark, rng, { epochParity })
    const sentAt = now()
    if (!this.#links.send(path[0]!.nodeId, packet)) return false
    this.#links.flush()
    const probe: ProbeRecord = {
      epoch: consensus.epoch,
      sentAt: clock.now(),
      meanSteps: consensus.parameters.delayMeansSteps[0] ?? 0,
      hops: path.slice(0, -1).map((hop, i) => ({ nodeId: toHex(hop.nodeId), tag: toHex(trace[i]!.replayTag) })),
    }
    this.#open.set(toHex(mark), { probe, sentAt })
    return true
  }

  #path(consensus: Consensus, nodeId: string | undefined): readonly PathHop[] | undefined {
    const { rng } = this.#needs
    const open = this.#links.open()
    const chooser = new PathChooser(consensus)
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const any = () => open[Math.floor(rng.next() * open.length)]
      const [entry, exit] = [any(), any()]
      if (!entry || !exit) return undefined
      const outcome = chooser.choose({ epoch: consensus.epoch, entry, exit }, rng)
      if (!outcome.ok) return undefined
      const isThrough = nodeId === undefined || outcome.hops.slice(0, -1).some((hop) => toHex(hop.nodeId) === nodeId)
      if (isThrough) return outcome.hops
    }
    return undefined
  }

  #delivered(delivery: Uint8Array): Uint8Array | undefined {
    const parsed = parseDelivery(delivery)
    if (!parsed) return undefined
    const mark = toHex(parsed.body.subarray(0, MARK_BYTES))
    const open = this.#open.get(mark)
    if (open) {
      this.#open.delete(mark)
      this.#back.push({ ...open.probe, tookMs: this.#needs.now() - open.sentAt })
    }
    return parsed.id
  }
}
