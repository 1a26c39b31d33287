import type { JobSubmission } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { inspectModule } from '@fog/idle'
import type { AccountId, Amount, Instant } from '@fog/kernel'
import {
  admit,
  deadlineRefusals,
  eligibleOwners,
  quickestRun,
  type JobSpec,
  type NodeView,
  type Offer,
  promiseRefusals,
  type Refusal,
  runKeys,
  specOfStep,
} from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { readContent } from './content.ts'
import { deadlineOf } from './deadline.ts'
import { type Built, budgetOf, priceOfResult, specOf } from './job-spec.ts'
import { allNodes, nodeView } from './node-views.ts'
import { Foresight } from './plan-context.ts'
import { standingFor } from './standing.ts'

/** What this fog offers: levels of privacy as there are transports that keep them. */
function offerOf({ hasMixnet }: Platform): Offer {
  const routing = ['round_robin', 'least_loaded', 'affinity_based', 'proximity_based'] as const
  if (!hasMixnet) return { privacy: ['public'], routing }
  return { privacy: ['public', 'secret'], routing: [...routing, 'privacy_aware'] }
}

/** The one call by which a program waits for a clock. */
const SLEEPS_BY = 'poll_oneoff'

/** One program of a job: that of a step, or the only one. */
export interface PreparedPart {
  /** Of the step; empty where there are none. */
  readonly name: string
  readonly spec: JobSpec
  readonly tasks: number
  /** How many owners have a node that could run it. */
  readonly owners: number
  /** The most one accepted result can cost. */
  readonly perResult: Amount
}

/** A submission that was looked at: complete, possible, priced. */
export interface PreparedJob extends Built {
  /** In the order of their tasks. */
  readonly parts: readonly PreparedPart[]
  readonly budget: Amount | undefined
  readonly deadlineAt: Instant | undefined
  readonly refusals: readonly Refusal[]
}

/** Finds all that a submission names, and what would keep the fog from taking it. `reach` is how it came. */
export async function prepareSubmission(
  platform: Platform,
  accountId: AccountId,
  submission: JobSubmission,
  reach: Reach = 'direct',
): Promise<PreparedJob> {
  const { database, config, clock } = platform
  const deadlineAt = deadlineOf(submission, clock.now())
  const named = await specOf(submission, { accountId, reach }, database.read.blobs, config.prices)
  const maySleep = await checkPrograms(platform, specsOf(named.spec))
  const built = { ...named, spec: { ...named.spec, maySleep } }
  const specs = specsOf(built.spec)
  const nodes = (await allNodes(database.read.nodes)).map((node) => nodeView(node))
  const parts = specs.map((spec) => ({
    name: spec.step?.name ?? '',
    spec,
    tasks: spec.step?.tasks ?? built.tasks.length,
    owners: eligibleOwners(spec, nodes),
    perResult: priceOfResult(spec, config.prices),
  }))
  const refusals = [
    ...(await lateness(platform, accountId, built.spec, parts, nodes, deadlineAt)),
    ...specs.flatMap((spec) => refusalsOf(spec, built, nodes, offerOf(platform))),
    ...(await promisesOf(platform, accountId, specs, built)),
  ]
  return { ...built, parts, budget: budgetOf(submission), deadlineAt, refusals: eachOnce(refusals) }
}

/** Each program of a job as the spec of its own. */
function specsOf(spec: JobSpec): readonly JobSpec[] {
  return spec.steps?.map((_, place) => specOfStep(spec, place)) ?? [spec]
}

/** What its tier promises and could not be kept as the fog stands, by what past runs of the programs tell. */
async function promisesOf(
  platform: Platform,
  accountId: AccountId,
  specs: readonly JobSpec[],
  { spec, tasks }: Built,
): Promise<Refusal[]> {
  const standing = await standingFor(platform, spec.tier)
  if (!standing) return []
  const jobs = specs.map((each) => ({ spec: each, accountId }))
  const foresight = await Foresight.recall(platform.database.read, jobs)
  return jobs.flatMap((job) => {
    const expectedMs = foresight.runMs(job)
    return promiseRefusals(job.spec, job.spec.step?.tasks ?? tasks.length, { ...standing, expectedMs })
  })
}

/** Why the deadline cannot be kept, by what past runs of the programs tell. */
async function lateness(
  { database, clock }: Platform,
  accountId: AccountId,
  spec: JobSpec,
  parts: readonly PreparedPart[],
  nodes: readonly NodeView[],
  deadlineAt: Instant | undefined,
): Promise<Refusal[]> {
  if (deadlineAt === undefined) return []
  const keys = parts.flatMap((part) => runKeys(part.spec.program.digest, accountId))
  const histories = new Map((await database.read.jobs.runs.recall(keys)).map((history) => [history.key, history]))
  // A guess must not refuse what may well be done in time: only what even the quickest runs would miss is refused.
  const expected = parts.map(({ spec: { program, limits } }) => {
    const known = runKeys(program.digest, accountId).map((key) => histories.get(key))
    return quickestRun(known, limits.wallMs)
  })
  const slots = {
    tasks: (place = 0) => parts[place]!.tasks,
    slots: (place = 0) => nodes.reduce((sum, { capacity }) => sum + timesInto(parts[place]!.spec.limits, capacity), 0),
  }
  return deadlineRefusals(spec, deadlineAt, clock.now(), (_, place = 0) => expected[place], slots)
}

function timesInto({ cpuMilli, memoryBytes }: JobSpec['limits'], capacity: NodeView['capacity']): number {
  return Math.floor(Math.min(capacity.cpuMilli / cpuMilli, capacity.memoryBytes / memoryBytes))
}

function refusalsOf(spec: JobSpec, { tasks }: Built, nodes: readonly NodeView[], offer: Offer): Refusal[] {
  const { step } = spec
  const own = step ? tasks.slice(step.first, step.first + step.tasks) : tasks
  const admission = admit(spec, own, nodes, offer)
  if (admission.ok) return []
  // What is wrong with the whole job is said of none of its steps.
  const isOfJob = ({ code }: Refusal) => code === 'privacy' || code === 'routing' || code === 'label'
  return admission.refusals.map((refusal) =>
    step && !isOfJob(refusal) ? { ...refusal, sentence: `Step ${step.name}: ${refusal.sentence}` } : refusal,
  )
}

function eachOnce(refusals: readonly Refusal[]): Refusal[] {
  return [...new Map(refusals.map((refusal) => [refusal.sentence, refusal])).values()]
}

/** Refuses what is no program, before any device sees it. Answers whether any of them can wait for a clock. */
async function checkPrograms({ database, blobs, config }: Platform, specs: readonly JobSpec[]): Promise<boolean> {
  const { maxProgramBytes } = config.limits
  const checked = new Set<string>()
  let maySleep = false
  for (const { program, limits } of specs) {
    const key = `${program.digest} ${limits.memoryBytes}`
    if (checked.has(key)) continue
    checked.add(key)
    const content = await readContent({ index: database.read.blobs, blobs }, program.digest, maxProgramBytes)
    const { imports } = inspectModule(content, { moduleBytes: maxProgramBytes, memoryBytes: limits.memoryBytes })
    maySleep ||= imports.some(({ name }) => name === SLEEPS_BY)
  }
  return maySleep
}
