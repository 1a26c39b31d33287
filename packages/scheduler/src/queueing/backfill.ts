import { AS_ASKED, type Estimator, type StartedJob } from './estimate.ts'
import type { RigidJob } from './rigid-job.ts'
import type { Discipline } from './simulate.ts'

/** A job that waits, as an order sees it. */
export interface WaitingJob {
  readonly job: RigidJob
  /** How long it is thought to run. */
  readonly estimateSeconds: number
}

/** Which of two waiting jobs goes first; below 0 for the first. */
export type QueueOrder = (a: WaitingJob, b: WaitingJob) => number

export interface BackfillRules {
  readonly estimator: Estimator
  /** Who is next, and so who is given a reservation when it does not fit. */
  readonly order: QueueOrder
  /** Who is tried first for what would stay empty until that reservation. */
  readonly backfillOrder: QueueOrder
  /** Jobs that waited long go ahead of all others, and their reservations trust no estimate: only what was asked. */
  readonly late?: { readonly afterSeconds: number; readonly order: QueueOrder } | undefined
}

/**
 * Aggressive backfilling (EASY; Lifka 1995): jobs start in order while they fit; the first that does not gets a
 * reservation at the earliest time it will, by the estimates; then others may start if they do not delay it: they end
 * before it, or use processors it will not need.
 */
export class Backfill implements Discipline {
  readonly #rules: BackfillRules
  readonly #running = new Map<RigidJob, StartedJob>()
  #queue: RigidJob[] = []
  #free: number

  constructor(processors: number, rules: BackfillRules) {
    this.#free = processors
    this.#rules = rules
  }

  arrive(job: RigidJob): void {
    this.#queue.push(job)
  }

  end(job: RigidJob): void {
    this.#running.delete(job)
    this.#free += job.width
    this.#rules.estimator.learn(job)
  }

  start(now: number): RigidJob[] {
    if (this.#queue.length === 0 || this.#free === 0) return []
    const waiting = this.#inOrder(now)
    const starting: RigidJob[] = []
    let next = 0
    for (; next < waiting.length && waiting[next]!.job.width <= this.#free; next += 1) {
      this.#begin(waiting[next]!, now, starting)
    }
    const head = waiting[next]
    if (head && this.#free > 0) {
      const trusted = this.#isLate(head.job, now) ? AS_ASKED : this.#rules.estimator
      const reservation = this.#reserve(head.job, trusted, now)
      const rest = waiting.slice(next + 1).sort(this.#rules.backfillOrder)
      this.#fill(rest, reservation, trusted, now, starting)
    }
    if (starting.length > 0) {
      const gone = new Set(starting)
      this.#queue = this.#queue.filter((job) => !gone.has(job))
    }
    return starting
  }

  #inOrder(now: number): WaitingJob[] {
    const { estimator, order, late } = this.#rules
    const waiting = this.#queue.map((job) => ({ job, estimateSeconds: estimator.estimate(job) }))
    if (!late) return waiting.sort(order)
    const { yes = [], no = [] } = Object.groupBy(waiting, ({ job }) => (this.#isLate(job, now) ? 'yes' : 'no'))
    return [...yes.sort(late.order), ...no.sort(order)]
  }

  #isLate({ submittedAt }: RigidJob, now: number): boolean {
    return now - submittedAt > (this.#rules.late?.afterSeconds ?? Infinity)
  }

  #begin({ job, estimateSeconds }: WaitingJob, now: number, starting: RigidJob[]): void {
    this.#free -= job.width
    this.#running.set(job, { job, startedAt: now, estimateSeconds })
    starting.push(job)
  }

  /** When the job will fit, and how many processors will be left over then. */
  #reserve({ width }: RigidJob, trusted: Estimator, now: number): Reservation {
    const ends = [...this.#running.values()].map((run) => ({ width: run.job.width, at: trusted.expectedEnd(run, now) }))
    let free = this.#free
    for (const end of ends.sort((a, b) => a.at - b.at)) {
      free += end.width
      if (free >= width) return { at: end.at, spare: free - width }
    }
    return { at: Infinity, spare: 0 }
  }

  #fill(
    rest: readonly WaitingJob[],
    reservation: Reservation,
    trusted: Estimator,
    now: number,
    starting: RigidJob[],
  ): void {
    let { spare } = reservation
    for (const waiting of rest) {
      const { job } = waiting
      if (job.width > this.#free) continue
      const seconds = trusted === AS_ASKED ? job.askedSeconds : waiting.estimateSeconds
      const endsBefore = now + seconds <= reservation.at
      if (!endsBefore && job.width > spare) continue
      if (!endsBefore) spare -= job.width
      this.#begin(waiting, now, starting)
      if (this.#free === 0) return
    }
  }
}

interface Reservation {
  readonly at: number
  readonly spare: number
}
