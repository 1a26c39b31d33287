import {
  type ArrangedStep,
  arrangeSteps,
  type JobSubmission,
  MAX_TASKS,
  programsOf,
  type StepSubmission,
} from '@fog/contract'
import type { Reach } from '@fog/fog'
import { type AccountId, type Amount, parseTokens } from '@fog/kernel'
import {
  folderOf,
  type InputFile,
  type JobSpec,
  type StepSpec,
  type TaskLimits,
  TIER_TERMS,
  type Verification,
} from '@fog/scheduler'
import { quoteTask } from '@fog/tokenomics'
import type { Config } from '../config.ts'
import type { BlobIndex } from '../ports.ts'
import { JobError } from './job-error.ts'
import { isSecret } from './secrecy.ts'

const MIB = 1_048_576

/** A submission with its defaults filled in and every file found. */
export interface Built {
  readonly spec: JobSpec
  /** In order of their indexes, over all steps. */
  readonly tasks: readonly { readonly item: string; readonly inputs: readonly InputFile[] }[]
}

/** Whose submission it is, and how it came. */
interface Submitter {
  readonly accountId: AccountId
  readonly reach: Reach
}

/** Throws `job.content_came_directly`, `job.program_missing`, `job.input_missing`, `job.input_repeated` or `job.field_invalid`. */
export async function specOf(
  submission: JobSubmission,
  submitter: Submitter,
  blobs: BlobIndex,
  prices: Config['prices'],
): Promise<Built> {
  const found = programsOf(submission)
  if (!('programs' in found)) throw invalid(found.field, found.why)
  const { programs } = found
  const arranged = arrangeSteps(programs.map(shapeOf))
  if (!arranged.ok) throw invalid(arranged.field, arranged.why)
  refuseTooMany(programs)
  const sizes = await findContent(programs, { ...submitter, secret: isSecret(submission) }, blobs)
  const parts = programs.map((program) => partOf(program, sizes, prices))
  for (const { own, tasks } of parts) {
    refuseRepeated(
      own.inputs,
      tasks.map(({ inputs }) => inputs),
    )
  }
  const spec = jobSpec(
    submission,
    parts.map(({ own }) => own),
  )
  const tasks = parts.flatMap((part) => part.tasks)
  if (!submission.steps) return { spec, tasks }
  const steps = stepsOf(programs, parts, arranged.steps)
  refuseSharedFolders(programs, steps)
  return { spec: { ...spec, steps }, tasks }
}

type OwnSpec = Pick<JobSpec, 'program' | 'args' | 'env' | 'inputs' | 'stdin' | 'limits' | 'placeholders'>

interface Part {
  readonly own: OwnSpec
  readonly tasks: Built['tasks']
}

function partOf(program: StepSubmission, sizes: ReadonlyMap<string, number>, prices: Config['prices']): Part {
  const file = ({ path, digest }: { path: string; digest: string }) => ({ path, digest, size: sizes.get(digest)! })
  const { stdin, placeholders, args = [], env = {}, inputs = [] } = program
  return {
    own: {
      program: { digest: program.program.digest, size: sizes.get(program.program.digest)! },
      args,
      env,
      inputs: inputs.map(file),
      stdin: stdin === undefined ? undefined : { digest: stdin, size: sizes.get(stdin)! },
      limits: limitsOf(program.resources, prices),
      ...(placeholders && { placeholders }),
    },
    tasks: program.tasks.map((task) => ({ item: task.item, inputs: (task.inputs ?? []).map(file) })),
  }
}

/** Of several programs the first, with the largest of each limit: what anyone sees of the job who does not ask for a step. */
function jobSpec(submission: JobSubmission, owns: readonly OwnSpec[]): JobSpec {
  const tier = submission.tier ?? 'silver'
  const { retryOn } = submission
  return {
    name: submission.name,
    kind: 'wasm',
    ...owns[0]!,
    limits: owns.map(({ limits }) => limits).reduce(largest),
    tier,
    privacy: submission.privacy ?? 'public',
    routing: submission.routing ?? 'least_loaded',
    verification: verificationOf(submission, tier),
    maxAttempts: (submission.retries ?? 4) + 1,
    require: submission.require ?? {},
    ...placingOf(submission),
    ...(retryOn && retryOn.length > 0 && { retryOn }),
  }
}

/** What the submission says about where, with whom and when its tasks are placed; nothing where it says nothing. */
function placingOf(submission: JobSubmission): Partial<JobSpec> {
  const { avoid, prefer, residency, apart, together, gang, priority } = submission
  if (apart !== undefined && together !== undefined) throw invalid('apart', 'is not possible beside together')
  return {
    ...(avoid && { avoid }),
    ...(prefer && { prefer }),
    ...(residency && { residency }),
    ...(apart && { apart }),
    ...(together && { together }),
    ...(gang && { gang }),
    ...(priority && { priority }),
  }
}

function stepsOf(
  programs: readonly StepSubmission[],
  parts: readonly Part[],
  arranged: readonly ArrangedStep[],
): StepSpec[] {
  let first = 0
  return parts.map(({ own, tasks }, place) => {
    const step = { name: programs[place]!.name, ...own, first, tasks: tasks.length, ...arranged[place]! }
    first += tasks.length
    return step
  })
}

function shapeOf({ name, after = [], inputs = [], given = [], tasks }: StepSubmission) {
  return { name, after, inputs: inputs.map(({ path }) => path), given, items: tasks.map(({ item }) => item) }
}

function refuseTooMany(programs: readonly StepSubmission[]): void {
  const tasks = programs.reduce((sum, program) => sum + program.tasks.length, 0)
  if (tasks > MAX_TASKS) throw invalid('steps', `have ${tasks} tasks together; at most ${MAX_TASKS} are taken`)
}

/** In a folder of all outputs each task has a folder of its own, named by its item. */
function refuseSharedFolders(programs: readonly StepSubmission[], steps: readonly StepSpec[]): void {
  for (const [place, { given }] of steps.entries()) {
    for (const { path, step } of given.filter(({ how }) => how === 'all')) {
      const source = programs[step]!
      if (source.tasks.length === 1) continue
      const taken = new Set<string>()
      for (const [i, { item }] of source.tasks.entries()) {
        const folder = folderOf(item, i)
        const why = `would have two folders ${folder}: give the items of ${source.name} names that differ`
        if (taken.has(folder)) throw invalid(`steps.${place}.inputs.${path}`, why)
        taken.add(folder)
      }
    }
  }
}

function invalid(field: string, why: string): JobError {
  return new JobError({ code: 'job.field_invalid', field, why })
}

function largest(a: TaskLimits, b: TaskLimits): TaskLimits {
  return {
    cpuMilli: Math.max(a.cpuMilli, b.cpuMilli),
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    diskBytes: Math.max(a.diskBytes, b.diskBytes),
    wallMs: Math.max(a.wallMs, b.wallMs),
    fuel: a.fuel > b.fuel ? a.fuel : b.fuel,
    outputBytes: Math.max(a.outputBytes, b.outputBytes),
  }
}

/** The most one accepted result can cost: its whole fuel at the tier's price. */
export function priceOfResult(
  spec: Pick<JobSpec, 'tier' | 'limits'>,
  { unitsPerGigafuel }: Pick<Config['prices'], 'unitsPerGigafuel'>,
): Amount {
  const { priceMilli } = TIER_TERMS[spec.tier]
  return quoteTask({ fuelLimit: spec.limits.fuel, unitsPerGigafuel, priceMilli, quorum: 1 })
}

/** The submitter's own ceiling, if there is one. */
export function budgetOf(submission: JobSubmission): Amount | undefined {
  return submission.budget === undefined ? undefined : parseTokens(submission.budget)
}

function limitsOf(resources: StepSubmission['resources'], prices: Config['prices']): TaskLimits {
  const { cores = 1, memoryMiB = 128, diskMiB = 256, wallSeconds = 60, outputMiB = 64, fuel } = resources ?? {}
  return {
    cpuMilli: Math.max(1, Math.round(cores * 1000)),
    memoryBytes: memoryMiB * MIB,
    diskBytes: diskMiB * MIB,
    wallMs: Math.max(1, Math.round(wallSeconds * 1000)),
    fuel: BigInt(fuel ?? Math.ceil(wallSeconds * prices.fuelPerCoreSecond)),
    outputBytes: outputMiB * MIB,
  }
}

function verificationOf({ verify, together }: JobSubmission, tier: JobSpec['tier']): Verification {
  if (verify === 'none') return { quorum: 1, spotCheckBasisPoints: 0 }
  if (typeof verify === 'object') return { quorum: verify.quorum, spotCheckBasisPoints: 0 }
  const { quorum, spotCheckBasisPoints } = TIER_TERMS[tier]
  // A second node for a check is another owner's, and so never beside the first.
  return { quorum, spotCheckBasisPoints: together === undefined ? spotCheckBasisPoints : 0 }
}

/**
 * Sizes of all content the programs name, which the account must have brought or been given: for a secret job through the mixnet,
 * and for one that is submitted directly not through the mixnet alone, since naming it would tie the account's address to it.
 */
async function findContent(
  programs: readonly StepSubmission[],
  { accountId, reach, secret }: Submitter & { readonly secret: boolean },
  blobs: BlobIndex,
): Promise<Map<string, number>> {
  const wanted = new Map<string, string>()
  for (const { inputs = [], tasks, stdin } of programs) {
    for (const input of inputs) wanted.set(input.digest, input.path)
    for (const task of tasks) for (const input of task.inputs ?? []) wanted.set(input.digest, input.path)
    if (stdin !== undefined) wanted.set(stdin, 'stdin')
  }
  const programDigests = programs.map(({ program }) => program.digest)
  const digests = [...new Set([...programDigests, ...wanted.keys()])]
  const readable =
    reach === 'direct' ? await blobs.came(accountId, digests, 'direct') : await blobs.readable(accountId, digests)
  const missing = programDigests.find((digest) => !readable.has(digest))
  if (missing !== undefined) throw new JobError({ code: 'job.program_missing', digest: missing })
  for (const [digest, path] of wanted) {
    if (!readable.has(digest)) throw new JobError({ code: 'job.input_missing', path, digest })
  }
  if (secret) {
    const hidden = await blobs.came(accountId, digests, 'mixnet')
    const shown = digests.find((digest) => !hidden.has(digest))
    const what = shown === undefined ? '' : (wanted.get(shown) ?? 'the program')
    if (shown !== undefined) throw new JobError({ code: 'job.content_came_directly', what, digest: shown })
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
