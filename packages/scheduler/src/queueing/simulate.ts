import { assert } from '@fog/kernel'
import type { RanJob, RigidJob, Trace } from './rigid-job.ts'

/** Decides what starts. It is told of arrivals and ends, and sees no run time before the run is over. */
export interface Discipline {
  arrive(job: RigidJob, now: number): void
  end(job: RigidJob, now: number): void
  /** The jobs that start now; together they fit into what is free. Asked after each arrival and each end. */
  start(now: number): readonly RigidJob[]
}

/** Makes a discipline for a machine of so many processors. */
export interface Policy {
  readonly name: string
  /** The rule in one sentence. */
  readonly rule: string
  readonly make: (processors: number) => Discipline
}

/**
 * Runs a trace on its machine, one event after the other, ends before arrivals of the same second, and asks for starts
 * after each: as a scheduler does that is told of one thing at a time. Answers every job with its start, in the order of
 * starts. Throws when the discipline breaks the machine's bounds.
 */
export function simulate({ processors, jobs }: Trace, { make }: Policy): RanJob[] {
  const discipline = make(processors)
  const running = new RunningJobs()
  const ran: RanJob[] = []
  let free = processors
  for (let next = 0; next < jobs.length || running.size > 0;) {
    const now = Math.min(jobs[next]?.submittedAt ?? Infinity, running.firstEnd)
    const ended = running.takeUntil(now)
    if (ended) {
      free += ended.width
      discipline.end(ended, now)
    } else {
      discipline.arrive(jobs[next]!, now)
      next += 1
    }
    for (const job of discipline.start(now)) {
      free -= job.width
      assert(free >= 0, `job ${job.jobNumber} was started without room`)
      running.add(job, now + job.runSeconds)
      ran.push({ job, startedAt: now })
    }
  }
  assert(ran.length === jobs.length, 'every job runs once')
  return ran
}

/** Running jobs, the last to end first: a sorted list, as there are never more than the machine has processors. */
class RunningJobs {
  readonly #jobs: RigidJob[] = []
  readonly #ends: number[] = []

  get size(): number {
    return this.#jobs.length
  }

  get firstEnd(): number {
    return this.#ends.at(-1) ?? Infinity
  }

  add(job: RigidJob, endsAt: number): void {
    let at = this.#ends.length
    while (at > 0 && this.#ends[at - 1]! <= endsAt) at -= 1
    this.#ends.splice(at, 0, endsAt)
    this.#jobs.splice(at, 0, job)
  }

  takeUntil(now: number): RigidJob | undefined {
    if (this.firstEnd > now) return undefined
    this.#ends.pop()
    return this.#jobs.pop()
  }
}
