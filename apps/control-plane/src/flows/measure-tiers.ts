import type { Instant } from '@fog/kernel'
import type { TierMeasure } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { allNodes, isOpen, nodeView } from './node-views.ts'
import { tierViews } from './tier-views.ts'

export interface TierFigures {
  readonly from: Instant
  readonly to: Instant
  /** One a tier, best first. */
  readonly measures: readonly TierMeasure[]
  /** Thousandths of a core kept for Platinum now, in use or not. */
  readonly headroomCpuMilli: number
}

/** What each tier was given in the window that the settings name, from what is stored: a restart forgets nothing. */
export async function measureTiers(platform: Platform): Promise<TierFigures> {
  const { database, clock, config } = platform
  const to = clock.now()
  const from = to - config.tiers.windowMs
  const open = (await allNodes(database.read.nodes)).filter(isOpen)
  const { headroomCpuMilli } = await tierViews(
    platform,
    database.read,
    open.map((node) => nodeView(node)),
  )
  return { from, to, measures: await database.read.jobs.tiers.measure(from), headroomCpuMilli }
}
