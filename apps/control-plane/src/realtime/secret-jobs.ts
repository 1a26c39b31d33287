import type { JobId } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { FogEvent } from '../ports.ts'

/** So many jobs are remembered; beyond, those looked at first are asked for again. */
const MOST_KNOWN = 20_000

/** Knows which events are of secret jobs. A job's privacy never changes, so each job is asked for once. */
export class SecretJobs {
  readonly #platform: Pick<Platform, 'database'>
  readonly #known = new Map<JobId, boolean>()

  constructor(platform: Pick<Platform, 'database'>) {
    this.#platform = platform
  }

  /** Asks for the jobs of these events that are not known yet: one statement. */
  async look(events: readonly FogEvent[]): Promise<void> {
    const named = new Set(events.flatMap(({ jobId }) => jobId ?? []))
    const asked = [...named].filter((jobId) => !this.#known.has(jobId))
    if (asked.length === 0) return
    const secret = await this.#platform.database.read.jobs.secretAmong(asked)
    for (const jobId of asked) this.#known.set(jobId, secret.has(jobId))
    for (const jobId of this.#known.keys()) {
      if (this.#known.size <= Math.max(MOST_KNOWN, named.size)) break
      if (!named.has(jobId)) this.#known.delete(jobId)
    }
  }

  /** Whether the event, looked at before, is of a secret job. One that is not known counts as secret. */
  isSecret({ jobId }: FogEvent): boolean {
    return jobId !== undefined && this.#known.get(jobId) !== false
  }
}
