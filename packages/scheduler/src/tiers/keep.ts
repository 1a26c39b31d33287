import type { Instant } from '@fog/kernel'
import type { Refusal } from '../admission.ts'
import { fitsInto, isSuitable, isWithin } from '../fits.ts'
import type { JobSpec } from '../job.ts'
import type { NodeView, Room } from '../node-view.ts'
import { TIER_TERMS } from '../tier.ts'
import { coresText, countText, durationText } from '../words.ts'
import { domainOf } from './domains.ts'
import type { Occupant } from './preemption.ts'

/** How the fog stands when a job asks to be let in. */
export interface Standing {
  readonly now: Instant
  /** Nodes that work and can be told of new work, full ones too. */
  readonly nodes: readonly NodeView[]
  readonly occupants: readonly (Occupant & {
    /** When it will have ended at the latest, by its own limit; undefined while it has not begun. */
    readonly endsBy: Instant | undefined
  })[]
  /** Tasks of the same or a better tier that wait already. */
  readonly ahead: number
  /** How long a task of the job runs, where it was learned. */
  readonly expectedMs?: number | undefined
}

/** 95 of 100. */
const LATE_SHARE = 20

/**
 * Why the promises of the job's tier could not be kept as the fog stands; empty where they can, and for tiers that take
 * what is left. A promise of 95 tasks in 100 is looked at for that many: each node that could hold one, by what is free of
 * it, what is kept for the tier, what lower tiers would give way and what will have ended in time, as often as a task of
 * known length fits into the wait. A length nobody knows is that of the limit for Platinum; Gold gets the benefit of the
 * doubt, for its credit stands behind it.
 */
export function promiseRefusals(spec: JobSpec, tasks: number, standing: Standing): Refusal[] {
  const { preempts, latencyCapMs, failureDomains } = TIER_TERMS[spec.tier]
  if (preempts.length === 0) return []
  const able = standing.nodes.filter((node) => isSuitable(spec, node) && fitsInto(spec.limits, node.capacity))
  if (able.length === 0) return [refusal('headroom', spec, 'no node that could run a task takes work now.')]
  const near = able.filter((node) => isWithin(latencyCapMs, node))
  if (near.length === 0) return [refusal('latency', spec, latencyText(able, latencyCapMs!))]
  const domains = new Set(near.map(domainOf)).size
  if (domains < failureDomains) return [refusal('domains', spec, domainsText(near, domains, failureDomains))]
  return refuseWait(spec, tasks, near, standing)
}

function refuseWait(spec: JobSpec, tasks: number, near: readonly NodeView[], standing: Standing): Refusal[] {
  const { queueWaitP95Ms: boundMs } = TIER_TERMS[spec.tier]
  const { quorum } = spec.verification
  const room = near.reduce((sum, node) => sum + roomFor(spec, node, standing, boundMs!), 0)
  const wait = durationText(boundMs!)
  const each = coresText(spec.limits.cpuMilli)
  const ahead = standing.ahead > 0 ? `, ${countText(standing.ahead, 'task')} of such tiers already waiting` : ''
  const free = room - standing.ahead
  if (free < quorum) {
    const has = `there is room for ${Math.max(0, free)} more, with what is kept for it and what lower tiers give way${ahead}`
    return [refusal('headroom', spec, `a task needs ${quorum} x ${each} within ${wait}, and ${has}.`)]
  }
  const inTime = (tasks - Math.floor(tasks / LATE_SHARE)) * quorum
  const begins = free * timesWithin(spec, boundMs!, standing.expectedMs)
  if (begins >= inTime) return []
  const could = `of ${inTime} x ${each} that have to begin within ${wait} about ${begins} could${ahead}`
  return [refusal('queue_wait', spec, `${could}; ask for fewer tasks at once.`)]
}

/** How many tasks one place can begin within the time. */
function timesWithin({ tier, limits }: JobSpec, boundMs: number, expectedMs: number | undefined): number {
  if (expectedMs === undefined && tier !== 'platinum') return Infinity
  return 1 + Math.floor(boundMs / Math.max(1, Math.min(expectedMs ?? limits.wallMs, limits.wallMs)))
}

/** How many tasks of the job the node could have begun within the time. */
function roomFor({ tier, limits }: JobSpec, node: NodeView, { occupants, now }: Standing, boundMs: number): number {
  const { preempts } = TIER_TERMS[tier]
  const going = occupants.filter(
    (each) =>
      each.nodeId === node.nodeId && (preempts.includes(each.tier) || (each.endsBy ?? Infinity) <= now + boundMs),
  )
  const sum = (of: (room: Room) => number) => going.reduce((total, { room }) => total + of(room), 0)
  const kept = tier === 'platinum' ? 0 : (node.keptCpuMilli ?? 0)
  const times = (has: number, wants: number) => (wants > 0 ? Math.floor(Math.max(0, has) / wants) : Infinity)
  return Math.min(
    node.slots + going.length,
    times(node.free.cpuMilli - kept + sum(({ cpuMilli }) => cpuMilli), limits.cpuMilli),
    times(node.free.memoryBytes + sum(({ memoryBytes }) => memoryBytes), limits.memoryBytes),
    times(node.free.diskBytes + sum(({ diskBytes }) => diskBytes), limits.diskBytes),
  )
}

function latencyText(able: readonly NodeView[], capMs: number): string {
  const measured = able.flatMap(({ latencyMs }) => latencyMs ?? [])
  const unmeasured = able.length - measured.length
  const known =
    measured.length === 0 ? 'none is measured yet' : `the nearest is at ${Math.round(Math.min(...measured))} ms`
  const others = unmeasured > 0 && measured.length > 0 ? ` and ${unmeasured} not measured yet` : ''
  return `it allows a round trip of ${capMs} ms, and of ${countText(able.length, 'node')} that could run it ${known}${others}.`
}

function domainsText(near: readonly NodeView[], domains: number, wanted: number): string {
  const stand = `${countText(near.length, 'node')} that could run it ${near.length === 1 ? 'stands' : 'stand'}`
  return `it is spread over ${wanted} failure domains, and the ${stand} in ${domains}; nodes of another owner, or with another label domain, would do.`
}

function refusal(code: Refusal['code'], { tier }: JobSpec, why: string): Refusal {
  const lower = tier === 'platinum' ? 'gold or silver' : 'silver'
  return { code, sentence: `The ${tier} tier cannot be kept: ${why} Choose ${lower}, or try again later.` }
}
