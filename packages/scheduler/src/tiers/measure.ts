import type { Tier } from '../tier.ts'

/** What was measured of a tier in a window of time. What nothing was measured of is undefined, never zero. */
export interface TierMeasure {
  readonly tier: Tier
  /** Tasks that began. */
  readonly started: number
  /** From queued to begun, of those. The smallest wait that so many of 100 did not exceed. */
  readonly waitP50Ms: number | undefined
  readonly waitP95Ms: number | undefined
  readonly waitP99Ms: number | undefined
  /** Attempts that took the place of one that was lost, given back or preempted. */
  readonly restarts: number
  readonly restartP95Ms: number | undefined
  readonly restartMaxMs: number | undefined
  /** Attempts that gave their room to a better tier. */
  readonly preempted: number
  /** Promises that were not kept. */
  readonly broken: { readonly queueWait: number; readonly restart: number; readonly runStretch: number }
}

/** The smallest of the values that at least this share of them does not exceed: no value is made up between two. */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
}
