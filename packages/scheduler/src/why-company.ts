import type { NodeId } from '@fog/kernel'
import { companyOf, sharedBy } from './company.ts'
import { isAvoided, isResident, isSuitable, isWithin } from './fits.ts'
import { countIn } from './ground.ts'
import type { JobSpec } from './job.ts'
import type { NodeView } from './node-view.ts'
import { TIER_TERMS } from './tier.ts'
import { countText, listText } from './words.ts'

/** What a job's other tasks mean to one that waits. */
export interface CompanyKnown {
  /** Where other tasks of the job run; asked of jobs that keep theirs apart or together. */
  readonly held?: readonly NodeId[] | undefined
  /** How many placements its gang wants at once. */
  readonly gang?: number | undefined
}

/** One obstacle in the way of a task, with the nodes it keeps away. */
export interface CompanyObstacle {
  readonly code: 'avoid' | 'residency' | 'apart' | 'together'
  readonly keepsAway: (node: NodeView) => boolean
  readonly say: (kept: readonly NodeView[], all: number) => string
}

/** Labels that keep nodes out. */
export function placeObstacles(spec: JobSpec): CompanyObstacle[] {
  const avoided = Object.entries(spec.avoid ?? {}).map(([name, value]) => `${name}: ${value}`)
  return [
    {
      code: 'avoid',
      keepsAway: (node) => isAvoided(spec, node),
      say: (kept, all) => `The job avoids ${listText(avoided, 'and')}: so labelled is ${shareText(kept, all)}.`,
    },
    {
      code: 'residency',
      keepsAway: (node) => !isResident(spec, node),
      say: (kept, all) =>
        `Its data may only be in ${listText(spec.residency ?? [], 'or')}: elsewhere, or of unknown place, is ${shareText(kept, all)}.`,
    },
  ]
}

/** Other tasks of the job that keep nodes out. */
export function companyObstacles(
  spec: JobSpec,
  nodes: readonly NodeView[],
  { held = [] }: CompanyKnown,
): CompanyObstacle[] {
  const company = companyOf(spec)
  if (!company || held.length === 0) return []
  const { how, what } = company
  const taken = new Set(nodes.filter(({ nodeId }) => held.includes(nodeId)).map((node) => sharedBy(what, node)))
  const isTaken = (node: NodeView) => taken.has(sharedBy(what, node))
  if (how === 'apart') {
    const say = (kept: readonly NodeView[], all: number) =>
      `Its tasks stay apart by ${what}: taken by another of them is ${shareText(kept, all)}.`
    return [{ code: 'apart', keepsAway: isTaken, say }]
  }
  const say = (kept: readonly NodeView[], all: number) =>
    `Its tasks stay together on one ${what}: away from the others is ${shareText(kept, all)}.`
  return [{ code: 'together', keepsAway: (node) => !isTaken(node), say }]
}

/** That there is room, but not for all of its gang at once; undefined where that is not what it waits for. */
export function explainGang(
  spec: JobSpec,
  nodes: readonly NodeView[],
  { gang }: CompanyKnown,
): { readonly code: 'gang'; readonly text: string; readonly nodes: number } | undefined {
  if (!spec.gang || gang === undefined) return undefined
  const { latencyCapMs } = TIER_TERMS[spec.tier]
  const able = nodes.filter((node) => !node.closed && isSuitable(spec, node) && isWithin(latencyCapMs, node))
  const room = able.reduce((sum, { free, slots }) => sum + countIn({ ...free, slots }, spec.limits), 0)
  if (room >= gang) return undefined
  const text = `All ${countText(gang, 'task')} of its gang begin at once; there is room for ${room} now.`
  return { code: 'gang', text, nodes: able.length }
}

function shareText(kept: readonly NodeView[], all: number): string {
  return `${kept.length} of ${countText(all, 'node')}`
}
