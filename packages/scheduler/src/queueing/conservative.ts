import { Profile } from './profile.ts'
import type { RigidJob } from './rigid-job.ts'
import type { Discipline } from './simulate.ts'

/**
 * Conservative backfilling (Mu'alem, Feitelson 2001): every job gets a reservation when it comes, at the earliest time
 * that delays nobody, by what users asked for. When a job ends early, each reservation moves forward if it can, in the
 * order jobs came; none ever moves back.
 */
export class Conservative implements Discipline {
  readonly #profile: Profile
  /** When each waiting job will start at the latest, in the order they came. */
  readonly #starts = new Map<RigidJob, number>()
  readonly #running = new Map<RigidJob, number>()
  #free: number

  constructor(processors: number) {
    this.#free = processors
    this.#profile = new Profile(0, processors)
  }

  arrive(job: RigidJob, now: number): void {
    this.#profile.advance(now)
    this.#reserve(job)
  }

  end(job: RigidJob, now: number): void {
    this.#profile.advance(now)
    const reservedUntil = this.#running.get(job)! + job.askedSeconds
    this.#running.delete(job)
    this.#free += job.width
    if (reservedUntil <= now) return
    this.#profile.take(now, reservedUntil, -job.width)
    while (this.#moveForward());
  }

  start(now: number): RigidJob[] {
    const starting: RigidJob[] = []
    for (const [job, startsAt] of this.#starts) {
      // Of several runs that end at this second some may not have been told of yet.
      if (startsAt > now || job.width > this.#free) continue
      this.#free -= job.width
      this.#starts.delete(job)
      this.#running.set(job, now)
      starting.push(job)
    }
    return starting
  }

  /**
   * Answers whether any reservation moved; then others may move after it. In the end each begins when another run ends, so
   * none is due at a second at which nothing happens.
   */
  #moveForward(): boolean {
    let moved = false
    for (const [waiting, startsAt] of this.#starts) {
      this.#profile.take(startsAt, startsAt + waiting.askedSeconds, -waiting.width)
      if (this.#reserve(waiting) < startsAt) moved = true
    }
    return moved
  }

  #reserve(job: RigidJob): number {
    const startsAt = this.#profile.earliest(job.width, job.askedSeconds)
    this.#profile.take(startsAt, startsAt + job.askedSeconds, job.width)
    // Setting a key that is there keeps its place: the order jobs came.
    this.#starts.set(job, startsAt)
    return startsAt
  }
}
