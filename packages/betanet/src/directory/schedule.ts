import { assert, type Instant } from '@fog/kernel'

/**
 * When things happen. Epoch 1 starts at `genesisAt`; a consensus of epoch e is made in the time before e starts:
 *
 *     uploads close          votes go round, one round after the other        signatures         epoch starts
 *     |-- roundMs --|-- roundMs --| ... (as many rounds as may lie, and one) --|-- the rest --|
 *     start - closeMs                                                                           start
 */
export interface Schedule {
  readonly genesisAt: Instant
  readonly epochMs: number
  /** How long before an epoch its descriptors must be there. */
  readonly closeMs: number
  /** Longer than a message takes from authority to authority and their clocks differ. */
  readonly roundMs: number
}

/** Twenty minutes an epoch; the last quarter goes to agreeing, in rounds of half a minute. */
export const DEFAULT_TIMES = { epochMs: 1_200_000, closeMs: 300_000, roundMs: 30_000 } as const

/** 0 before the first epoch. */
export function epochAt({ genesisAt, epochMs }: Schedule, now: Instant): number {
  return Math.max(0, Math.floor((now - genesisAt) / epochMs) + 1)
}

export function startOf({ genesisAt, epochMs }: Schedule, epoch: number): Instant {
  return genesisAt + (epoch - 1) * epochMs
}

/** The epoch that descriptors sent now are for: the next one whose uploads are still open. */
export function uploadEpochAt(schedule: Schedule, now: Instant): number {
  return epochAt(schedule, now + schedule.closeMs) + 1
}

/** The epoch being agreed on now, if its uploads are closed and it has not started. */
export function agreedEpochAt(schedule: Schedule, now: Instant): number | undefined {
  const next = epochAt(schedule, now) + 1
  return now >= startOf(schedule, next) - schedule.closeMs ? next : undefined
}

/** From 1 on; the votes' rounds are over when it exceeds their number. */
export function roundAt(schedule: Schedule, epoch: number, now: Instant): number {
  return Math.floor((now - (startOf(schedule, epoch) - schedule.closeMs)) / schedule.roundMs) + 1
}

/** Refuses times that leave no room for the rounds and the signatures after them. */
export function checkSchedule({ epochMs, closeMs, roundMs }: Schedule, rounds: number): void {
  assert(
    [epochMs, closeMs, roundMs].every((ms) => Number.isInteger(ms) && ms > 0),
    'times are whole and positive',
  )
  assert(closeMs <= epochMs, 'a consensus is agreed on within one epoch')
  assert((rounds + 1) * roundMs <= closeMs, 'all rounds, and one more for signatures, fit before the epoch')
}
