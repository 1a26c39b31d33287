import type { JobSubmission } from '@fog/contract'
import { type AccountId, type Amount, parseTokens } from '@fog/kernel'
import { type InputFile, type JobSpec, TIER_TERMS, type Verification } from '@fog/scheduler'
import { quoteTask } from '@fog/tokenomics'
import type { Config } from '../config.ts'
import type { BlobIndex } from '../ports.ts'
import { JobError } from './job-error.ts'

const MIB = 1_048_576

/** A submission with its defaults filled in and every file found. Throws `job.program_missing` or `job.input_missing`. */
export async function specOf(
  submission: JobSubmission,
  accountId: AccountId,
  blobs: BlobIndex,
  prices: Config['prices'],
): Promise<{ spec: JobSpec; taskInputs: InputFile[][] }> {
  const sizes = await findContent(submission, accountId, blobs)
  const file = ({ path, digest }: { path: string; digest: string }) => ({ path, digest, size: sizes.get(digest)! })
  const inputs = (submission.inputs ?? []).map(file)
  const taskInputs = submission.tasks.map((task) => (task.inputs ?? []).map(file))
  refuseRepeated(inputs, taskInputs)
  const tier = submission.tier ?? 'silver'
  const { stdin } = submission
  return {
    spec: {
      name: submission.name,
      kind: 'wasm',
      program: { digest: submission.program.digest, size: sizes.get(submission.program.digest)! },
      args: submission.args ?? [],
      env: submission.env ?? {},
      inputs,
      stdin: stdin === undefined ? undefined : { digest: stdin, size: sizes.get(stdin)! },
      limits: limitsOf(submission, prices),
      tier,
      privacy: submission.privacy ?? 'public',
      routing: submission.routing ?? 'least_loaded',
      verification: verificationOf(submission.verify, tier),
      maxAttempts: (submission.retries ?? 4) + 1,
      require: submission.require ?? {},
    },
    taskInputs,
  }
}

/** The most one accepted result can cost: its whole fuel at the tier's price. */
export function priceOfResult(spec: JobSpec, { unitsPerGigafuel }: Config['prices']): Amount {
  const { priceMilli } = TIER_TERMS[spec.tier]
  return quoteTask({ fuelLimit: spec.limits.fuel, unitsPerGigafuel, priceMilli, quorum: 1 })
}

/** The submitter's own ceiling, if there is one. */
export function budgetOf(submission: JobSubmission): Amount | undefined {
  return submission.budget === undefined ? undefined : parseTokens(submission.budget)
}

function limitsOf(submission: JobSubmission, prices: Config['prices']): JobSpec['limits'] {
  const {
    cores = 1,
    memoryMiB = 128,
    diskMiB = 256,
    wallSeconds = 60,
    outputMiB = 64,
    fuel,
  } = submission.resources ?? {}
  return {
    cpuMilli: Math.max(1, Math.round(cores * 1000)),
    memoryBytes: memoryMiB * MIB,
    diskBytes: diskMiB * MIB,
    wallMs: Math.max(1, Math.round(wallSeconds * 1000)),
    fuel: BigInt(fuel ?? Math.ceil(wallSeconds * prices.fuelPerCoreSecond)),
    outputBytes: outputMiB * MIB,
  }
}

function verificationOf(verify: JobSubmission['verify'], tier: JobSpec['tier']): Verification {
  if (verify === 'none') return { quorum: 1, spotCheckBasisPoints: 0 }
  if (typeof verify === 'object') return { quorum: verify.quorum, spotCheckBasisPoints: 0 }
  const { quorum, spotCheckBasisPoints } = TIER_TERMS[tier]
  return { quorum, spotCheckBasisPoints }
}

/** Sizes of all content the submission names, which the account must have brought or been given. */
async function findContent(
  submission: JobSubmission,
  accountId: AccountId,
  blobs: BlobIndex,
): Promise<Map<string, number>> {
  const wanted = new Map<string, string>()
  for (const input of submission.inputs ?? []) wanted.set(input.digest, input.path)
  for (const task of submission.tasks) for (const input of task.inputs ?? []) wanted.set(input.digest, input.path)
  if (submission.stdin !== undefined) wanted.set(submission.stdin, 'stdin')

  const program = submission.program.digest
  const digests = [program, ...wanted.keys()]
  const readable = await blobs.readable(accountId, digests)
  if (!readable.has(program)) throw new JobError({ code: 'job.program_missing', digest: program })
  for (const [digest, path] of wanted) {
    if (!readable.has(digest)) throw new JobError({ code: 'job.input_missing', path, digest })
  }
  return blobs.sizes(digests)
}

function refuseRepeated(inputs: readonly InputFile[], taskInputs: readonly (readonly InputFile[])[]): void {
  const shared = new Set<string>()
  for (const { path } of inputs) refuseTwice(shared, path)
  for (const own of taskInputs) {
    const seen = new Set<string>()
    for (const { path } of own) {
      if (shared.has(path)) throw new JobError({ code: 'job.input_repeated', path })
      refuseTwice(seen, path)
    }
  }
}

function refuseTwice(seen: Set<string>, path: string): void {
  if (seen.has(path)) throw new JobError({ code: 'job.input_repeated', path })
  seen.add(path)
}
