import { foresee, foreseenEnd, remember } from '../prediction/foresee.ts'
import type { RigidJob } from './rigid-job.ts'

/** How long jobs are thought to run. */
export interface Estimator {
  /** Before it starts. */
  estimate(job: RigidJob): number
  /** While it runs: the second after `now` that it is thought to end at. `estimateSeconds` is what was thought before. */
  expectedEnd(run: StartedJob, now: number): number
  /** A job is over, and its run time known. */
  learn(job: RigidJob): void
}

export interface StartedJob {
  readonly job: RigidJob
  readonly startedAt: number
  readonly estimateSeconds: number
}

/** Takes the user's word, beyond which nothing runs. */
export const AS_ASKED: Estimator = {
  estimate: ({ askedSeconds }) => askedSeconds,
  expectedEnd: ({ job, startedAt }, now) => Math.max(startedAt + job.askedSeconds, now + 1),
  learn: () => undefined,
}

/**
 * Learns from what came before: the last runs of the same user that asked for the same time and width, or else the same
 * time, or else any; the user's word until two are known. A run that outlasts its estimate is put off step by step.
 */
export function fromHistory(): Estimator {
  const histories = new Map<string, readonly number[]>()
  return {
    estimate: (job) =>
      Math.max(
        1,
        foresee(
          keysOf(job).map((key) => histories.get(key)),
          job.askedSeconds,
        ) ?? job.askedSeconds,
      ),
    expectedEnd: ({ job, startedAt, estimateSeconds }, now) =>
      foreseenEnd({ startedAt, foreseen: estimateSeconds, limit: job.askedSeconds }, now, 60),
    learn(job) {
      for (const key of keysOf(job)) histories.set(key, remember(histories.get(key) ?? [], job.runSeconds))
    },
  }
}

/** The most telling first. */
function keysOf({ user, askedSeconds, width }: RigidJob): string[] {
  return [`${user} ${askedSeconds} ${width}`, `${user} ${askedSeconds}`, `${user}`]
}
