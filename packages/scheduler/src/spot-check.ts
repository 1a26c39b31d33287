import type { Rng } from '@fog/kernel'
import type { JobSpec } from './job.ts'

/**
 * How many results of one task must agree: the job's quorum, or 2 for the share of singles that a second node checks.
 * A second opinion needs a second owner; `eligibleOwners` of admission says how many there are.
 */
export function spotCheck({ verification }: Pick<JobSpec, 'verification'>, eligibleOwners: number, rng: Rng): number {
  if (verification.quorum > 1 || eligibleOwners < 2) return verification.quorum
  return rng.next() * 10_000 < verification.spotCheckBasisPoints ? 2 : 1
}
