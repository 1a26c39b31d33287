import { type Clock, equalBytes, type Instant, type Rng, toHex } from '@fog/kernel'
import { CAP_IN_MEANS, STEPS_PER_MS } from '../delay/index.ts'
import { type Consensus, type ConsensusNode, LAYERS, packetEpochAt, sphinxKeyAt } from '../directory/index.ts'
import { buildPacket, type PathHop, suites } from '../sphinx/index.ts'
import type { SuiteName } from './thread-messages.ts'

const MARK_BYTES = 16
/** A loop that is not back after the longest its delays can be, and this, is lost. */
const SLACK_MS = 5_000
const MOST_OPEN = 1_024

interface Open {
  readonly mark: string
  readonly lostAt: Instant
}

export interface LoopNeeds {
  readonly clock: Clock
  readonly rng: Rng
  readonly nodeId: Uint8Array
  readonly send: (nodeId: Uint8Array, packet: Uint8Array) => void
}

/**
 * Loops that a node sends through the others to itself: cover for what passes through it, and how it notices that its packets
 * are held back (Loopix, Piotrowska and others 2017, section 4.2). Through one mix of each other layer and a gateway.
 */
export class OwnLoops {
  readonly #given: LoopNeeds
  readonly #suite: SuiteName
  #open: Open[] = []
  #nextAt: Instant | undefined
  #sent = 0
  #returned = 0
  #lost = 0

  constructor(given: LoopNeeds, { suite }: { readonly suite: SuiteName }) {
    this.#given = given
    this.#suite = suite
  }

  /** Sends what is due: times between loops are exponential, with the consensus's mean. */
  tick(consensus: Consensus): void {
    const { clock, rng } = this.#given
    const now = clock.now()
    this.#countLost(now)
    const { mixLoopMeanMs } = consensus.parameters
    if (mixLoopMeanMs === 0) return
    this.#nextAt ??= now + exponential(rng, mixLoopMeanMs)
    while (this.#nextAt <= now) {
      this.#sendOne(consensus, now)
      this.#nextAt += exponential(rng, mixLoopMeanMs)
    }
  }

  /** A packet came back to this node. */
  returned(body: Uint8Array): void {
    const mark = toHex(body.subarray(0, MARK_BYTES))
    const still = this.#open.filter((open) => open.mark !== mark)
    if (still.length < this.#open.length) this.#returned += 1
    this.#open = still
  }

  counts(): { readonly sent: number; readonly returned: number; readonly lost: number } {
    return { sent: this.#sent, returned: this.#returned, lost: this.#lost }
  }

  #sendOne(consensus: Consensus, now: Instant): void {
    const { rng, send } = this.#given
    const epoch = packetEpochAt(consensus, now)
    const path = this.#path(consensus, epoch)
    if (!path || this.#open.length >= MOST_OPEN) return
    const mark = rng.bytes(MARK_BYTES)
    const suite = suites[this.#suite]
    const epochParity = (epoch % 2) as 0 | 1
    const packet = buildPacket(suite, path, mark, rng, { epochParity })
    const longestMs = (path.length * CAP_IN_MEANS * (consensus.parameters.delayMeansSteps[0] ?? 0)) / STEPS_PER_MS
    this.#open.push({ mark: toHex(mark), lostAt: now + longestMs + SLACK_MS })
    this.#sent += 1
    send(path[0]!.id, packet)
  }

  /** The layers after its own, a gateway, the layers before; then itself. Undefined while one of them is empty. */
  #path(consensus: Consensus, epoch: number): PathHop[] | undefined {
    const { nodeId } = this.#given
    const self = consensus.nodes.find(({ signed }) => equalBytes(signed.descriptor.identityKey, nodeId))
    if (!self || self.place === 'reserve' || self.place === 'waiting') return undefined
    const own = self.place
    const places =
      own === 'gateway'
        ? LAYERS
        : [...LAYERS.filter((layer) => layer > own), 'gateway' as const, ...LAYERS.filter((layer) => layer < own)]
    const nodes = places.map((place) => this.#pick(consensus.nodes.filter((node) => node.place === place)))
    if (nodes.some((node) => node === undefined)) return undefined
    const hop = (node: ConsensusNode) => ({
      id: node.signed.descriptor.identityKey,
      publicKey: sphinxKeyAt(consensus, node, epoch),
    })
    return [...nodes.map((node) => hop(node!)), { ...hop(self), recipient: nodeId }]
  }

  #pick(nodes: readonly ConsensusNode[]): ConsensusNode | undefined {
    return nodes[Math.floor(this.#given.rng.next() * nodes.length)]
  }

  #countLost(now: Instant): void {
    const still = this.#open.filter(({ lostAt }) => lostAt > now)
    this.#lost += this.#open.length - still.length
    this.#open = still
  }
}

function exponential(rng: Rng, mean: number): number {
  return -Math.log(1 - rng.next()) * mean
}
