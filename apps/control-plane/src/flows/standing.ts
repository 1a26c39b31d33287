import { type Standing, type Tier, TIER_TERMS, TIERS } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { allNodes, isOpen, nodeView } from './node-views.ts'
import { occupantsOf } from './occupants.ts'
import { tierViews, withKept } from './tier-views.ts'

/** How the fog stands, for a job of a tier that is looked at before it is let in; undefined where the tier takes what is left. */
export async function standingFor(platform: Platform, tier: Tier): Promise<Standing | undefined> {
  if (TIER_TERMS[tier].preempts.length === 0) return undefined
  const { read } = platform.database
  const open = (await allNodes(read.nodes)).filter(isOpen)
  // A node that is full by count may have room in a moment: `slots` says what it has now.
  const views = open.map((node) => ({ ...nodeView(node), closed: undefined }))
  const kept = await tierViews(platform, read, views)
  const nodes = views.map((view) => withKept(view, kept))
  const occupants = await occupantsOf(read, nodes, TIERS)
  const before = TIERS.slice(0, TIERS.indexOf(tier) + 1)
  const depth = await read.jobs.queueDepth()
  const queued = depth.filter((each) => before.includes(each.tier)).reduce((sum, each) => sum + each.queued, 0)
  const given = occupants.filter((each) => each.status === 'leased' && before.includes(each.tier))
  // Tasks that were given out and have not begun are queued still; their room is taken already.
  const ahead = Math.max(0, queued - new Set(given.map(({ taskId }) => taskId)).size)
  return { now: platform.clock.now(), nodes, occupants, ahead }
}
