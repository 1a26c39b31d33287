import { type AttemptId, newId, type NodeId, type Rng } from '@fog/kernel'
import type { Attempt, NodeView, RunningTask } from '@fog/scheduler'
import { InvariantBroken } from './invariant-broken.ts'

const GIB = 1024 ** 3
const CORE = { cpuMilli: 1_000, memoryBytes: GIB, diskBytes: GIB }

/** One task on a node, and when it is thought to end. */
export interface Holder {
  readonly attempt: Attempt
  readonly endsAt: () => number
  readonly endsBy: number
}

/** Nodes of one core each that hold one task at most, and know it when they are given two or freed twice. */
export class ReplayMachine {
  readonly #nodes: ReadonlyMap<NodeId, NodeView>
  readonly #holders = new Map<NodeId, Holder>()
  readonly #freed = new Set<AttemptId>()
  #view: readonly NodeView[] | undefined

  constructor(count: number, rng: Rng) {
    const nodes = Array.from({ length: count }, (_, i) => makeNode(i, rng))
    this.#nodes = new Map(nodes.map((node) => [node.nodeId, node]))
  }

  get freeNodes(): number {
    return this.#nodes.size - this.#holders.size
  }

  /** The nodes as they stand, busy ones too. */
  view(): readonly NodeView[] {
    this.#view ??= [...this.#nodes.values()].map((node) => (this.#holders.has(node.nodeId) ? busy(node) : node))
    return this.#view
  }

  running(): RunningTask[] {
    return [...this.#holders].map(([nodeId, { endsAt, endsBy }]) => ({ nodeId, room: CORE, endsAt: endsAt(), endsBy }))
  }

  ownerOf(nodeId: NodeId): NodeView['ownerId'] {
    return this.#nodes.get(nodeId)!.ownerId
  }

  take(nodeId: NodeId, holder: Holder): void {
    const before = this.#holders.get(nodeId)
    if (before)
      throw new InvariantBroken(`${nodeId} was given ${holder.attempt.taskId} beside ${before.attempt.taskId}`)
    this.#holders.set(nodeId, holder)
    this.#view = undefined
  }

  free({ attemptId, nodeId }: Pick<Attempt, 'attemptId' | 'nodeId'>): void {
    if (this.#freed.has(attemptId)) throw new InvariantBroken(`${attemptId} was freed twice`)
    if (this.#holders.get(nodeId)?.attempt.attemptId !== attemptId) {
      throw new InvariantBroken(`${attemptId} was freed on ${nodeId}, which another holds`)
    }
    this.#freed.add(attemptId)
    this.#holders.delete(nodeId)
    this.#view = undefined
  }
}

function makeNode(i: number, rng: Rng): NodeView {
  return {
    nodeId: newId('node', i, rng),
    ownerId: newId('account', i, rng),
    name: `node ${i}`,
    kinds: ['wasm'],
    capacity: CORE,
    free: CORE,
    slots: 1,
    latencyMs: 1,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
  }
}

function busy(node: NodeView): NodeView {
  return { ...node, free: { cpuMilli: 0, memoryBytes: 0, diskBytes: 0 }, slots: 0 }
}
