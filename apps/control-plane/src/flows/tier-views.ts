import type { JobId, NodeId } from '@fog/kernel'
import {
  type Dispatch,
  domainsBy,
  headroomOf,
  type NodeView,
  spreadOf,
  TIER_TERMS,
  TIERS,
  unusedHeadroom,
} from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { Stores } from '../ports.ts'

/** What a plan has to know of the tiers. */
export interface TierViews {
  /** Thousandths of a core on each node that are kept for Platinum beyond what it uses. */
  readonly kept: ReadonlyMap<NodeId, number>
  /** All that are kept for it, in use or not. */
  readonly headroomCpuMilli: number
  readonly spread: ReadonlyMap<JobId, ReadonlyMap<string, number>>
}

const SPREAD_TIERS = TIERS.filter((tier) => tier === 'platinum' || TIER_TERMS[tier].failureDomains > 1)

/** `nodes` are those that work and can be told of new work, full ones too. */
export async function tierViews(
  { config }: Pick<Platform, 'config'>,
  { jobs }: Pick<Stores, 'jobs'>,
  nodes: readonly NodeView[],
): Promise<TierViews> {
  const live = await jobs.tiers.listLive(SPREAD_TIERS)
  // A node that is full by count is closed to a plan, and keeps its cores all the same.
  const headroom = headroomOf(
    nodes.map((node) => ({ ...node, closed: undefined })),
    config.tiers.headroomBasisPoints,
  )
  const views = new Map(nodes.map((node) => [node.nodeId, node]))
  return {
    kept: unusedHeadroom(headroom, coresOf(live.filter(({ job }) => job.spec.tier === 'platinum'))),
    headroomCpuMilli: [...headroom.values()].reduce((sum, cpuMilli) => sum + cpuMilli, 0),
    spread: spreadOf(
      live,
      domainsBy((nodeId) => views.get(nodeId)),
    ),
  }
}

/** A node with what is kept on it. */
export function withKept(view: NodeView, { kept }: Pick<TierViews, 'kept'>): NodeView {
  const keptCpuMilli = kept.get(view.nodeId)
  return keptCpuMilli === undefined ? view : { ...view, keptCpuMilli }
}

function coresOf(live: readonly Dispatch[]): Map<NodeId, number> {
  const cores = new Map<NodeId, number>()
  for (const { attempt, job } of live) {
    cores.set(attempt.nodeId, (cores.get(attempt.nodeId) ?? 0) + job.spec.limits.cpuMilli)
  }
  return cores
}
