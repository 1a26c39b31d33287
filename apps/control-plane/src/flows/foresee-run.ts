import type { Job } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { Foresight } from './plan-context.ts'

/** How long a task of the job is thought to run, in seconds; nothing while too few runs of its program are known. */
export async function foreseenSeconds(
  { database }: Pick<Platform, 'database'>,
  job: Pick<Job, 'spec' | 'accountId'>,
): Promise<{ readonly foreseenSeconds?: number }> {
  const foresight = await Foresight.recall(database.read, [job])
  const ms = foresight.runMs(job)
  return ms === undefined ? {} : { foreseenSeconds: ms / 1_000 }
}
