import type { Instant, NodeId } from '@fog/kernel'
import { coverOf, coverText, fitsInto, hasLabels, isHiddenFor, isWithin } from './fits.ts'
import type { JobSpec } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView } from './node-view.ts'
import { AVOID_MS } from './filling.ts'
import { hasVoice, isLive, isOpen } from './states.ts'
import { TIER_TERMS } from './tier.ts'
import { domainOf } from './tiers/domains.ts'
import { domainsBy } from './tiers/spread.ts'
import { type CompanyKnown, companyObstacles, explainGang, placeObstacles } from './why-company.ts'
import { bytesText, coresText, countText, durationText, listText } from './words.ts'

export type WhyCode =
  | 'over'
  | 'running'
  | 'placed'
  | 'back_off'
  | 'no_nodes'
  | 'kind'
  | 'circuits'
  | 'mixnet'
  | 'label'
  | 'avoid'
  | 'residency'
  | 'apart'
  | 'together'
  | 'gang'
  | 'too_small'
  | 'closed'
  | 'latency'
  | 'other_owner'
  | 'other_domain'
  | 'other_node'
  | 'slots'
  | 'cores'
  | 'headroom'
  | 'memory'
  | 'disk'
  | 'queue'
  | 'next'

export interface Why {
  readonly code: WhyCode
  /** One sentence that names the constraint with its numbers. */
  readonly text: string
  /** Nodes that this alone keeps from taking the task. */
  readonly nodes: number
}

/** Tasks that go first, as `queueDepth` counts them. */
export interface QueueAhead {
  readonly higherTier: number
  readonly sameTier: number
}

/** How many node names a sentence holds. */
const MOST_NAMES = 3

/**
 * Why a task waits, what keeps most nodes away first. Each node counts for the one thing that keeps it away: one of the wrong
 * sort for that, else one that is suspended for that, and one that merely has no room now for that; of equal counts what is
 * nearest to letting it go comes first. `nodes` are all that are known, closed and offline ones too.
 */
export function explainWaiting(
  queued: QueuedTask,
  nodes: readonly NodeView[],
  now: Instant,
  queueAhead: QueueAhead,
  company: CompanyKnown = {},
): Why[] {
  const { task } = queued
  if (!isOpen(task)) return [{ code: 'over', text: `It does not wait: it is ${task.status}.`, nodes: 0 }]
  const working = explainWork(queued, nodes)
  if (task.pending === 0) return working
  const obstacles = explainNodes(queued, nodes, now, company)
  const gang = explainGang(queued.job.spec, nodes, company)
  const ready = nodes.length - obstacles.reduce((sum, why) => sum + why.nodes, 0)
  return [
    ...explainBackOff(queued, now),
    ...(gang ? [gang] : []),
    ...(ready > 0 && !gang ? explainTurn(ready, queueAhead) : obstacles),
    ...(ready > 0 && !gang ? [] : explainQueue(queueAhead)),
    ...working,
  ]
}

function explainWork({ attempts }: QueuedTask, nodes: readonly NodeView[]): Why[] {
  const nameOf = (nodeId: NodeId) => nodes.find((node) => node.nodeId === nodeId)?.name ?? nodeId
  return attempts
    .filter(isLive)
    .map(({ status, nodeId }) =>
      status === 'running'
        ? { code: 'running', text: `It runs on ${nameOf(nodeId)}.`, nodes: 0 }
        : { code: 'placed', text: `It was placed on ${nameOf(nodeId)}, which has not begun yet.`, nodes: 0 },
    )
}

function explainBackOff({ task, attempts }: QueuedTask, now: Instant): Why[] {
  if (task.notBefore <= now) return []
  const last = attempts.findLast(({ status }) => status === 'lost' || status === 'returned')
  const after = last?.status === 'returned' ? `a node gave it back (${last.note ?? 'no reason given'})` : 'a lost node'
  const left = durationText(task.notBefore - now)
  return [{ code: 'back_off', text: `Back-off after ${after}: ${left} left.`, nodes: 0 }]
}

function explainTurn(ready: number, ahead: QueueAhead): Why[] {
  const queue = explainQueue(ahead)
  if (queue.length > 0) return queue
  return [{ code: 'next', text: `${countText(ready, 'node')} can take it: it is placed within a moment.`, nodes: 0 }]
}

function explainQueue({ higherTier, sameTier }: QueueAhead): Why[] {
  const ahead = [
    ...(higherTier > 0 ? [`${countText(higherTier, 'task')} of higher tier`] : []),
    ...(sameTier > 0 ? [`${countText(sameTier, 'task')} of the same tier`] : []),
  ]
  if (ahead.length === 0) return []
  return [{ code: 'queue', text: `It waits behind ${listText(ahead, 'and')}.`, nodes: 0 }]
}

/** One obstacle in the way of the task, with the nodes it keeps away. Nearest first. */
interface Obstacle {
  readonly code: WhyCode
  readonly keepsAway: (node: NodeView) => boolean
  readonly say: (kept: readonly NodeView[], all: number) => string
}

function explainNodes(queued: QueuedTask, nodes: readonly NodeView[], now: Instant, company: CompanyKnown): Why[] {
  if (nodes.length === 0) {
    return [{ code: 'no_nodes', text: 'No node has joined this fog; add one with `fog worker join`.', nodes: 0 }]
  }
  let left = [...nodes]
  const found: Why[] = []
  // From the sort of node inwards: each node is counted at the first thing that rules it out.
  for (const { code, keepsAway, say } of obstaclesOf(queued, now, nodes, company).toReversed()) {
    const kept = left.filter(keepsAway)
    if (kept.length === 0) continue
    found.push({ code, text: say(kept, nodes.length), nodes: kept.length })
    left = left.filter((node) => !keepsAway(node))
  }
  return found.reverse().sort((a, b) => b.nodes - a.nodes)
}

function obstaclesOf(queued: QueuedTask, now: Instant, nodes: readonly NodeView[], company: CompanyKnown): Obstacle[] {
  const { spec } = queued.job
  return [
    ...roomObstacles(spec),
    ...companyObstacles(spec, nodes, company),
    ...historyObstacles(queued, now, nodes),
    ...stateObstacles(spec, nodes),
    ...placeObstacles(spec),
    ...sortObstacles(spec),
  ]
}

function roomObstacles({ tier, limits }: JobSpec): Obstacle[] {
  return [
    {
      code: 'memory',
      keepsAway: ({ free }) => free.memoryBytes < limits.memoryBytes,
      say: (kept) => {
        const { free, name } = largest(kept, (node) => node.free.memoryBytes)
        return `It needs ${bytesText(limits.memoryBytes)} of memory free; the largest free is ${bytesText(free.memoryBytes)} on ${name}.`
      },
    },
    {
      code: 'disk',
      keepsAway: ({ free }) => free.diskBytes < limits.diskBytes,
      say: (kept) => {
        const { free, name } = largest(kept, (node) => node.free.diskBytes)
        return `It needs ${bytesText(limits.diskBytes)} of disk free; the largest free is ${bytesText(free.diskBytes)} on ${name}.`
      },
    },
    {
      code: 'cores',
      keepsAway: ({ free }) => free.cpuMilli < limits.cpuMilli,
      say: (kept) => {
        const { free, name } = largest(kept, (node) => node.free.cpuMilli)
        return `It needs ${coresText(limits.cpuMilli)} free; the most free is ${coresText(free.cpuMilli)} on ${name}.`
      },
    },
    ...headroomObstacles(tier, limits),
    {
      code: 'slots',
      keepsAway: ({ slots }) => slots < 1,
      say: (kept) =>
        `${countText(kept.length, 'node')} ${are(kept)} at the number of tasks their owners allow: ${namesOf(kept)}.`,
    },
  ]
}

/** Of those with enough cores free, the ones that keep them for Platinum. */
function headroomObstacles(tier: JobSpec['tier'], { cpuMilli }: JobSpec['limits']): Obstacle[] {
  if (tier === 'platinum') return []
  return [
    {
      code: 'headroom',
      keepsAway: ({ free, keptCpuMilli = 0 }) => free.cpuMilli >= cpuMilli && free.cpuMilli - keptCpuMilli < cpuMilli,
      say: (kept) =>
        `${countText(kept.length, 'node')} ${have(kept)} cores free only of those kept for Platinum: ${namesOf(kept)}.`,
    },
  ]
}

function largest(nodes: readonly NodeView[], of: (node: NodeView) => number): NodeView {
  return nodes.reduce((best, node) => (of(node) > of(best) ? node : best))
}

function historyObstacles({ task, attempts, job }: QueuedTask, now: Instant, nodes: readonly NodeView[]): Obstacle[] {
  const voices = attempts.filter(hasVoice)
  const owners = new Set(voices.map(({ ownerId }) => ownerId))
  const { failureDomains } = TIER_TERMS[job.spec.tier]
  const domains = new Set(
    failureDomains < 2 ? [] : voices.map(domainsBy((id) => nodes.find((node) => node.nodeId === id))),
  )
  const recent = attempts.filter(({ status }) => status === 'lost' || status === 'returned')
  const until = new Map(recent.map(({ nodeId, endedAt, leasedAt }) => [nodeId, (endedAt ?? leasedAt) + AVOID_MS]))
  // A fog of one node has nobody else to turn to.
  const hasOthers = nodes.some(({ nodeId, ownerId, closed }) => !closed && !owners.has(ownerId) && !isAvoided(nodeId))
  function isAvoided(nodeId: NodeId): boolean {
    return (until.get(nodeId) ?? 0) > now
  }
  return [
    {
      code: 'other_node',
      keepsAway: ({ nodeId }) => hasOthers && isAvoided(nodeId),
      say: (kept) => {
        const longest = Math.max(...kept.map(({ nodeId }) => until.get(nodeId)! - now))
        return `${countText(kept.length, 'node')} lost it or gave it back and ${are(kept)} avoided for ${durationText(longest)} more: ${namesOf(kept)}.`
      },
    },
    {
      code: 'other_domain',
      keepsAway: (node) => !owners.has(node.ownerId) && domains.size < failureDomains && domains.has(domainOf(node)),
      say: (kept, all) =>
        `The ${job.spec.tier} tier spreads its results over ${failureDomains} failure domains; ${kept.length} of ${countText(all, 'node')} ${are(kept)} in one that has some already.`,
    },
    {
      code: 'other_owner',
      keepsAway: ({ ownerId }) => owners.has(ownerId),
      say: (kept, all) =>
        `${task.quorum} results from different owners must agree; ${kept.length} of ${countText(all, 'node')} ${are(kept)} of an owner who has given one or works on it.`,
    },
  ]
}

function stateObstacles({ tier, limits }: JobSpec, nodes: readonly NodeView[]): Obstacle[] {
  const { latencyCapMs } = TIER_TERMS[tier]
  const hasMeasured = nodes.some(
    (node) => !node.closed && isWithin(latencyCapMs, node) && fitsInto(limits, node.capacity),
  )
  return [
    {
      code: 'latency',
      keepsAway: (node) => !isWithin(latencyCapMs, node) && (node.latencyMs !== undefined || hasMeasured),
      say: (kept, all) => {
        const measured = kept.flatMap(({ latencyMs }) => latencyMs ?? [])
        const nearest = measured.length === 0 ? 'not measured yet' : `${Math.round(Math.min(...measured))} ms at best`
        return `The ${tier} tier allows a round trip of ${latencyCapMs} ms; for ${kept.length} of ${countText(all, 'node')} it is ${nearest}.`
      },
    },
    {
      code: 'closed',
      keepsAway: ({ closed }) => closed !== undefined,
      say: (kept, all) => `${kept.length} of ${countText(all, 'node')} ${are(kept)} ${closedText(kept)}.`,
    },
  ]
}

function sortObstacles(spec: JobSpec): Obstacle[] {
  const { limits, require, kind } = spec
  const labels = Object.entries(require).map(([name, value]) => `${name}: ${value}`)
  return [
    {
      code: 'too_small',
      keepsAway: ({ capacity }) => !fitsInto(limits, capacity),
      say: (kept, all) =>
        `${kept.length} of ${countText(all, 'node')} ${are(kept)} too small even when empty for ${coresText(limits.cpuMilli)}, ${bytesText(limits.memoryBytes)} of memory and ${bytesText(limits.diskBytes)} of disk.`,
    },
    {
      code: 'label',
      keepsAway: (node) => !hasLabels(require, node.labels),
      say: (kept, all) =>
        `${kept.length} of ${countText(all, 'node')} ${have(kept)} not the labels ${listText(labels, 'and')}.`,
    },
    {
      code: coverOf(spec) === 'circuits' ? 'circuits' : 'mixnet',
      keepsAway: (node) => !isHiddenFor(spec, node),
      say: (kept, all) =>
        `${kept.length} of ${countText(all, 'node')} ${are(kept)} not reached through ${coverText(spec)}, which the job asks for.`,
    },
    {
      code: 'kind',
      keepsAway: ({ kinds }) => !kinds.includes(kind),
      say: (kept, all) =>
        `${kept.length} of ${countText(all, 'node')} ${are(kept)} not able to run programs of kind ${kind}.`,
    },
  ]
}

/** `suspended by its owner: battery 62 %`, the commonest first, each with how often. */
function closedText(kept: readonly NodeView[]): string {
  const counts = new Map<string, number>()
  for (const { closed } of kept) if (closed) counts.set(closed, (counts.get(closed) ?? 0) + 1)
  const ranked = [...counts].sort(([, a], [, b]) => b - a)
  const shown = ranked
    .slice(0, MOST_NAMES)
    .map(([text, count]) => (count > 1 && ranked.length > 1 ? `${text} (${count})` : text))
  return ranked.length > MOST_NAMES ? `${shown.join('; ')}; and others` : shown.join('; ')
}

function namesOf(nodes: readonly NodeView[]): string {
  const names = nodes.slice(0, MOST_NAMES).map(({ name }) => name)
  return nodes.length > MOST_NAMES
    ? `${names.join(', ')} and ${nodes.length - MOST_NAMES} more`
    : listText(names, 'and')
}

function are(nodes: readonly NodeView[]): string {
  return nodes.length === 1 ? 'is' : 'are'
}

function have(nodes: readonly NodeView[]): string {
  return nodes.length === 1 ? 'has' : 'have'
}
