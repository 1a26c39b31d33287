import type { NodeId } from '@fog/kernel'
import { isWithin } from '../fits.ts'
import type { NodeView } from '../node-view.ts'
import { TIER_TERMS } from '../tier.ts'
import { domainOf } from './domains.ts'

/** Cores, in thousandths, that are kept on each node for Platinum. Nodes that keep nothing are absent. */
export type Headroom = ReadonlyMap<NodeId, number>

const CORE = 1000
const NONE: Headroom = new Map()

/**
 * Which cores only Platinum may use. Whole ones, since a part of a core is room for no task; counted of the cores that
 * could serve Platinum at all (open, round trip measured and within its cap); given out one at a time, to each failure
 * domain in turn and there to the node with most to spare; never more than half of a node.
 *
 * Where the share comes to less than one core for each domain that Platinum is spread over, nothing is kept: a fog of
 * one node or of a few cores goes on lending all it has, and Platinum takes its room from lower tiers there.
 */
export function headroomOf(nodes: readonly NodeView[], shareBasisPoints: number): Headroom {
  const { latencyCapMs, failureDomains } = TIER_TERMS.platinum
  const able = nodes.filter((node) => node.closed === undefined && isWithin(latencyCapMs, node))
  const cores = able.reduce((sum, { capacity }) => sum + capacity.cpuMilli, 0)
  const domains = [...Map.groupBy(able, domainOf).values()].map((members) => new Keeper(members))
  let left = Math.floor((cores * shareBasisPoints) / 10_000 / CORE)
  if (left < failureDomains || domains.filter(({ canKeep }) => canKeep).length < failureDomains) return NONE
  for (let ring = domains; left > 0 && ring.length > 0; ring = ring.filter(({ canKeep }) => canKeep)) {
    for (const domain of ring.filter(({ canKeep }) => canKeep).slice(0, left)) {
      domain.keepOne()
      left -= 1
    }
  }
  return new Map(domains.flatMap(({ kept }) => [...kept]))
}

/** What is still to be kept free of it on each node, once what Platinum uses there is taken off. */
export function unusedHeadroom(headroom: Headroom, usedByPlatinum: ReadonlyMap<NodeId, number>): Headroom {
  const rest = [...headroom].map(([nodeId, kept]) => [nodeId, kept - (usedByPlatinum.get(nodeId) ?? 0)] as const)
  return new Map(rest.filter(([, kept]) => kept > 0))
}

/** The nodes of one domain while cores are given out. */
class Keeper {
  readonly kept = new Map<NodeId, number>()
  readonly #nodes: readonly NodeView[]

  constructor(nodes: readonly NodeView[]) {
    // By id among equals, so that the same fog keeps the same cores.
    this.#nodes = nodes.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
  }

  get canKeep(): boolean {
    return this.#nodes.some((node) => this.#spare(node) >= CORE)
  }

  keepOne(): void {
    const best = this.#nodes.reduce((most, node) => (this.#spare(node) > this.#spare(most) ? node : most))
    this.kept.set(best.nodeId, (this.kept.get(best.nodeId) ?? 0) + CORE)
  }

  #spare({ nodeId, capacity }: NodeView): number {
    return capacity.cpuMilli / 2 - (this.kept.get(nodeId) ?? 0)
  }
}
