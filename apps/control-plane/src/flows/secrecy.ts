import type { JobSubmission } from '@fog/contract'
import type { Reach } from '@fog/fog'
import type { JobSpec } from '@fog/scheduler'
import { JobError } from './job-error.ts'

/** Whether a job is spoken of only through the mixnet. */
export function isSecret({ privacy }: Pick<JobSpec, 'privacy'> | Pick<JobSubmission, 'privacy'>): boolean {
  return privacy === 'secret'
}

/**
 * Throws `job.needs_mixnet` when a secret job is spoken of over an ordinary connection, which shows whoever watches the link that
 * this address has to do with it. The request itself was shown already; nothing is answered, done or kept.
 */
export function refuseInTheOpen(of: Pick<JobSpec, 'privacy'> | Pick<JobSubmission, 'privacy'>, reach: Reach): void {
  if (isSecret(of) && reach !== 'mixnet') throw new JobError({ code: 'job.needs_mixnet' })
}

/** Why a secret task is taken from a node. */
export const UNMIXED = 'its node is no longer reached through the mixnet'
