import type { Instant } from '@fog/kernel'
import type { Consensus } from './consensus.ts'
import { epochAt, type Schedule, startOf } from './schedule.ts'

/** So long after an epoch, as a part of one, its packets are still taken: they were sent before its end, or by a slow clock. */
export const GRACE_SHARE = 0.25

export interface ServedEpoch {
  readonly epoch: number
  /** Whose keys and delays count: the epoch's own consensus, or that of the epoch before while its own is missing. */
  readonly by: Consensus
}

/**
 * The epochs whose packets a node takes now, the older first: two at most, and neighbours, so that a packet's parity tells them
 * apart. An epoch's key serves until a quarter of an epoch after its end. It begins as soon as the epoch's consensus is held and the
 * key of its parity before it is gone; or, where that consensus is missing, by the one of the epoch before, in time for clients
 * whose clocks are fast. What others hold makes no difference: key and time are the same for all.
 */
export function servedEpochs(
  schedule: Schedule,
  { held, now, maxSkewMs }: { readonly held: readonly Consensus[]; readonly now: Instant; readonly maxSkewMs: number },
): ServedEpoch[] {
  const graceMs = GRACE_SHARE * schedule.epochMs
  const here = epochAt(schedule, now)
  return [here - 1, here, here + 1].flatMap((epoch) => {
    const own = held.find((consensus) => consensus.epoch === epoch)
    const by = own ?? held.find((consensus) => consensus.epoch === epoch - 1)
    const beginsAt = own ? startOf(schedule, epoch - 1) + graceMs : startOf(schedule, epoch) - maxSkewMs
    const isServed = beginsAt <= now && now < startOf(schedule, epoch + 1) + graceMs
    return by && isServed ? [{ epoch, by }] : []
  })
}
