import { AGEING_MS, LATE_MS } from '../ageing.ts'
import { Backfill, type BackfillRules, type QueueOrder } from './backfill.ts'
import { Conservative } from './conservative.ts'
import { AS_ASKED, fromHistory } from './estimate.ts'
import { FIRST_COME } from './first-come.ts'
import type { Policy } from './simulate.ts'

const oldestFirst: QueueOrder = (a, b) => a.job.submittedAt - b.job.submittedAt || a.job.jobNumber - b.job.jobNumber

/** Of equally long jobs the narrower. */
const shortestFirst: QueueOrder = (a, b) =>
  a.estimateSeconds - b.estimateSeconds || a.job.width - b.job.width || oldestFirst(a, b)

/** By processors times time: what takes least from all others goes first. */
const smallestFirst: QueueOrder = (a, b) =>
  a.estimateSeconds * a.job.width - b.estimateSeconds * b.job.width || oldestFirst(a, b)

/** As late as the fog itself calls a task, in seconds. */
const LATE_AFTER_SECONDS = LATE_MS / 1000
/** The machine has to be drained for a job that wants more than half of it: once it is, others like it go on at once. */
const WIDE_HEAD_START_SECONDS = AGEING_MS / 1000

function lateOrder(processors: number): QueueOrder {
  const countsFrom = ({ job }: Parameters<QueueOrder>[0]) =>
    job.submittedAt - (job.width > processors / 2 ? WIDE_HEAD_START_SECONDS : 0)
  return (a, b) => countsFrom(a) - countsFrom(b) || oldestFirst(a, b)
}

function backfilling(name: string, rule: string, rulesFor: (processors: number) => BackfillRules): Policy {
  return { name, rule, make: (processors) => new Backfill(processors, rulesFor(processors)) }
}

export const EASY = backfilling(
  'EASY',
  'In the order they came; the first that does not fit gets a reservation, others go ahead if they do not delay it.',
  () => ({ estimator: AS_ASKED, order: oldestFirst, backfillOrder: oldestFirst }),
)

export const EASY_SHORTEST_FIRST = backfilling(
  'EASY shortest-first',
  'As EASY, but of those that may go ahead the one that asked for the least time first.',
  () => ({ estimator: AS_ASKED, order: oldestFirst, backfillOrder: shortestFirst }),
)

export const EASY_SMALLEST_FIRST = backfilling(
  'EASY smallest-first',
  'As EASY, but of those that may go ahead the one with the least processors times time first.',
  () => ({ estimator: AS_ASKED, order: oldestFirst, backfillOrder: smallestFirst }),
)

export const EASY_PREDICTING = backfilling(
  'EASY predicting',
  'As EASY shortest-first, by run times foreseen from history rather than those asked for.',
  () => ({ estimator: fromHistory(), order: oldestFirst, backfillOrder: shortestFirst }),
)

export const SHORTEST_FIRST = backfilling(
  'shortest first',
  'The whole queue by time asked for, with backfilling: what starvation looks like.',
  () => ({ estimator: AS_ASKED, order: shortestFirst, backfillOrder: shortestFirst }),
)

export const CONSERVATIVE: Policy = {
  name: 'conservative',
  rule: 'Everyone gets a reservation on arrival; others go ahead only where they delay nobody.',
  make: (processors) => new Conservative(processors),
}

/**
 * Ours. Smallest first by foreseen run times, with EASY's one reservation. After six hours a job is late: late ones go
 * before all others, oldest first, and their reservation is made by what was asked for, which nothing exceeds, so no
 * wrong guess delays them. Late jobs that want more than half of the machine count as a day older, so that they run one
 * after the other and the machine is drained once. Nothing is drawn, and no constant was fitted to the one trace: the
 * bounds are those of the tiers' table, and were checked on weeks drawn anew from it.
 */
export const FOG = backfilling(
  'Fog',
  'Smallest first by foreseen run times; after six hours oldest first with a reservation by limits.',
  (processors) => ({
    estimator: fromHistory(),
    order: smallestFirst,
    backfillOrder: smallestFirst,
    late: { afterSeconds: LATE_AFTER_SECONDS, order: lateOrder(processors) },
  }),
)

/** All, ours last. */
export const POLICIES: readonly Policy[] = [
  FIRST_COME,
  CONSERVATIVE,
  EASY,
  EASY_SHORTEST_FIRST,
  EASY_SMALLEST_FIRST,
  EASY_PREDICTING,
  SHORTEST_FIRST,
  FOG,
]
