import { toHex } from '@fog/kernel'
import { type Consensus, type ConsensusNode, LAYERS } from '../directory/index.ts'
import { pathWeights } from '../lottery/index.ts'
import type { NodeSuspicion } from './blame.ts'
import type { LoopWatch } from './loop-watch.ts'

/** Looked at again after so many loops. */
const LOOK_EVERY = 16
/** How much of a layer's weight a client leaves out, however many nodes look bad. */
const MOST_SHARE = { numerator: 2n, denominator: 5n }
/** Nodes of a layer that are left to choose from. */
const FEWEST_LEFT = 2
/** In epochs: the first time, and at most, doubling each time that a node is blamed again. */
const FIRST_EPOCHS = 1
const MOST_EPOCHS = 8

export type BadStanding = Exclude<NodeSuspicion['standing'], 'good' | 'unknown'>

export interface SuspectedNode {
  /** In hex. */
  readonly nodeId: string
  readonly standing: BadStanding
  /** In the client's own time; undefined while packets go through it all the same. */
  readonly avoidedUntil: number | undefined
}

/** What the owner of a client is told; nobody else is. */
export type SuspicionEvent =
  | ({ readonly type: 'node.suspected' } & Pick<NodeSuspicion, 'loops' | 'lossRate' | 'lateRate'> & SuspectedNode)
  | { readonly type: 'node.cleared'; readonly nodeId: string }

interface Record {
  readonly standing: BadStanding
  readonly avoidedUntil: number | undefined
}

/**
 * Which mixes a client leaves out of all its paths for a while, because its loops blame them. All its packets alike: real ones, cover
 * and loops, so that nothing tells one from another. Bounded, since whoever can break links can make an honest node look bad: never
 * more than two fifths of a layer's weight, never all but one node, never a gateway (where one is to be found others must know), and
 * never for long without looking again.
 */
export class Avoidance {
  readonly #loops: LoopWatch
  readonly #suspects = new Map<string, Record>()
  /** How many epochs each was avoided the last time, and when that ended. */
  readonly #past = new Map<string, { readonly epochs: number; readonly endedAt: number }>()
  #lookedAt = 0
  #avoided: ReadonlySet<string> = new Set()

  constructor(loops: LoopWatch) {
    this.#loops = loops
  }

  /** Ids in hex: the same set as long as nothing changes. */
  get avoided(): ReadonlySet<string> {
    return this.#avoided
  }

  suspects(): SuspectedNode[] {
    return [...this.#suspects].map(([nodeId, record]) => ({ nodeId, ...record }))
  }

  /** Looks what loops say now, and what is over. */
  look(now: number, consensus: Consensus): SuspicionEvent[] {
    const events = this.#takeBack(now)
    if (this.#loops.known - this.#lookedAt >= LOOK_EVERY) {
      this.#lookedAt = this.#loops.known
      events.push(...this.#judge(now, consensus))
    }
    if (events.length > 0) this.#avoided = new Set(this.#namesAvoided())
    return events
  }

  /** A node that was avoided long enough is taken again, and judged by loops from then on. */
  #takeBack(now: number): SuspicionEvent[] {
    const over = this.suspects().filter(({ avoidedUntil }) => avoidedUntil !== undefined && avoidedUntil <= now)
    return over.map(({ nodeId }) => {
      this.#suspects.delete(nodeId)
      this.#loops.forget(nodeId)
      return { type: 'node.cleared', nodeId }
    })
  }

  #judge(now: number, consensus: Consensus): SuspicionEvent[] {
    const events: SuspicionEvent[] = []
    // The worst first: what is left out for it is not left out for others.
    for (const { nodeId, standing, loops, lossRate, lateRate } of this.#loops.suspicions()) {
      const known = this.#suspects.get(nodeId)
      if (known?.avoidedUntil !== undefined || standing === 'unknown') continue
      if (standing === 'good') {
        if (this.#suspects.delete(nodeId)) events.push({ type: 'node.cleared', nodeId })
        continue
      }
      const avoidedUntil = this.#mayAvoid(nodeId, consensus) ? this.#untilFor(nodeId, now, consensus) : undefined
      if (known?.standing === standing && avoidedUntil === undefined) continue
      this.#suspects.set(nodeId, { standing, avoidedUntil })
      events.push({ type: 'node.suspected', nodeId, standing, avoidedUntil, loops, lossRate, lateRate })
    }
    return events
  }

  #mayAvoid(nodeId: string, { nodes }: Consensus): boolean {
    const nameOf = ({ signed }: ConsensusNode) => toHex(signed.descriptor.identityKey)
    const own = nodes.find((node) => nameOf(node) === nodeId)
    if (!own || !LAYERS.some((layer) => layer === own.place)) return false
    const layer = nodes.filter(({ place }) => place === own.place)
    const weights = pathWeights(layer)
    const out = new Set([...this.#namesAvoided(), nodeId])
    const sum = (counts: (node: ConsensusNode) => boolean) =>
      weights.reduce((total, weight, i) => total + (counts(layer[i]!) ? weight : 0n), 0n)
    const left = weights.filter((weight, i) => weight > 0n && !out.has(nameOf(layer[i]!)))
    const avoided = sum((node) => out.has(nameOf(node)))
    return left.length >= FEWEST_LEFT && avoided * MOST_SHARE.denominator <= sum(() => true) * MOST_SHARE.numerator
  }

  #untilFor(nodeId: string, now: number, { validAfter, freshUntil }: Consensus): number {
    const epochMs = freshUntil - validAfter
    for (const [id, { endedAt }] of this.#past) if (now - endedAt > MOST_EPOCHS * epochMs) this.#past.delete(id)
    const before = this.#past.get(nodeId)
    const epochs = before ? Math.min(MOST_EPOCHS, 2 * before.epochs) : FIRST_EPOCHS
    const until = now + epochs * epochMs
    this.#past.set(nodeId, { epochs, endedAt: until })
    return until
  }

  #namesAvoided(): string[] {
    return this.suspects().flatMap(({ nodeId, avoidedUntil }) => (avoidedUntil === undefined ? [] : [nodeId]))
  }
}
