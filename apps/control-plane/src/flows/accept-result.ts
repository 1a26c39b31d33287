import { type BlobRef, type ReportMessage, resultMessage } from '@fog/contract'
import {
  assert,
  type AttemptId,
  fromBase64Url,
  fromHex,
  type Instant,
  type JobId,
  type NodeId,
  type TaskId,
  toHex,
} from '@fog/kernel'
import { sha256, verify } from '@fog/kernel/node'
import { resultPreimage } from '@fog/idle'
import type { Reach } from '@fog/fog'
import type { Attempt, Job, Report } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { type Grant, SMALL_BLOB_BYTES, type Transaction } from '../ports.ts'
import { type Learned, learnRuns } from './learn-runs.ts'
import { advanceTasks, type TaskChange } from './advance-tasks.ts'
import { isSecret } from './secrecy.ts'

/** One thing a worker says about an attempt of its own. */
export type WorkerSays =
  | { readonly type: 'started'; readonly attemptId: AttemptId; readonly fence: number }
  | { readonly type: 'returned'; readonly attemptId: AttemptId; readonly fence: number; readonly reason: string }
  | {
      readonly type: 'result'
      readonly attemptId: AttemptId
      readonly fence: number
      readonly report: ReportMessage
      readonly inline: readonly { readonly digest: string; readonly data: string }[]
    }

export type Saying = WorkerSays & { readonly nodeId: NodeId }
export type ResultSaying = Extract<Saying, { type: 'result' }>

/** What became of it. Everything but `forged` may be forgotten by the worker. */
export type Heard = 'counted' | 'ignored' | 'forged'

/**
 * Takes in what workers say, many at a time. Each is checked against its attempt, its node's key and its own digest; all
 * that hold count in one transaction, their small outputs with them. What comes late or twice changes nothing.
 */
export async function hearWorkers(platform: Platform, sayings: readonly Saying[]): Promise<Heard[]> {
  const checked = await checkSayings(platform, sayings)
  const genuine = checked.filter((each) => typeof each === 'object')
  const ignored = await platform.database.transact(async (tx) => {
    const at = platform.clock.now()
    // What is asked of them never changes, so they need not be locked.
    const jobs = await tx.jobs.findJobs([...new Set(genuine.map(({ attempt }) => attempt.jobId))])
    const isBrought = await keepContent(tx, genuine, jobs, at)
    const changes = genuine.map((each) => changeOf(each, isBrought, at, platform.rng.next()))
    const outcomes = await advanceTasks(platform, tx, changes, { jobs })
    await learnRuns(tx, learnedOf(genuine, outcomes), jobs, at)
    // What led to a failure is not handed on once more.
    const failed = genuine.filter((each, i) => outcomes[i] === undefined && failureAfterResume(each) !== undefined)
    await tx.checkpoints.release([...new Set(failed.map(({ attempt }) => attempt.taskId))])
    return outcomes
  })
  return checked.map((each) => {
    if (typeof each === 'string') return each
    return ignored[genuine.indexOf(each)] === undefined ? 'counted' : 'ignored'
  })
}

/** The results that counted. */
function learnedOf(genuine: readonly Checked[], outcomes: readonly (string | undefined)[]): Learned[] {
  return genuine.flatMap(({ saying, attempt, fault }, i) => {
    if (saying.type !== 'result' || fault !== undefined || outcomes[i] !== undefined) return []
    return [{ attempt, report: reportOf(saying.report) }]
  })
}

interface Checked {
  readonly saying: Saying
  readonly attempt: Attempt
  readonly small: readonly { readonly digest: string; readonly content: Uint8Array }[]
  /** What is wrong with the result, if anything: then the attempt does not count. */
  readonly fault: string | undefined
}

/**
 * `forged` is what the node cannot have said: another's attempt, or a signature that is not its own. An attempt nobody knows,
 * of a fog that was restored from before it, is merely ignored, else its node would say it again for ever.
 */
async function checkSayings(
  { database }: Platform,
  sayings: readonly Saying[],
): Promise<(Checked | 'forged' | 'ignored')[]> {
  const found = await database.read.jobs.findAttempts(sayings.map(({ attemptId }) => attemptId))
  const attempts = new Map(found.map((attempt) => [attempt.attemptId, attempt]))
  const signers = new Set(sayings.filter(({ type }) => type === 'result').map(({ nodeId }) => nodeId))
  const nodes = await database.read.nodes.findAll([...signers])
  const keys = new Map(nodes.map(({ nodeId, publicKey }) => [nodeId, publicKey]))
  return sayings.map((saying) => {
    const attempt = attempts.get(saying.attemptId)
    if (!attempt) return 'ignored'
    if (attempt.nodeId !== saying.nodeId) return 'forged'
    if (saying.type !== 'result') return { saying, attempt, small: [], fault: undefined }
    if (!isGenuine(saying, attempt.taskId, keys.get(saying.nodeId))) return 'forged'
    return { saying, attempt, ...readContent(saying) }
  })
}

function isGenuine({ nodeId, attemptId, fence, report }: ResultSaying, taskId: TaskId, publicKey = ''): boolean {
  const signature = fromHex(report.signature)
  const key = fromHex(publicKey)
  if (!signature || !key) return false
  return verify(resultMessage({ nodeId, attemptId, taskId, fence, report }), signature, key)
}

function readContent({ report, inline }: ResultSaying): Pick<Checked, 'small' | 'fault'> {
  const small = inline.map(({ digest, data }) => ({ digest, content: fromBase64Url(data) ?? new Uint8Array() }))
  if (digestOf(report) !== report.digest) return { small: [], fault: 'its result does not have the digest it states' }
  const isWrong = small.some(
    ({ digest, content }) => content.length > SMALL_BLOB_BYTES || toHex(sha256(content)) !== digest,
  )
  return isWrong ? { small: [], fault: 'a small output does not have the hash it states' } : { small, fault: undefined }
}

function digestOf({ exit, fuel, stdout, outputs }: ReportMessage): string {
  return toHex(sha256(resultPreimage({ exit, fuelUsed: BigInt(fuel), stdoutDigest: stdout.digest, outputs })))
}

function reportOf({ exit: _, ...message }: ReportMessage): Report {
  return { ...message, exitCode: message.exitCode, fuel: BigInt(message.fuel) }
}

type IsBrought = (jobId: JobId, ref: BlobRef) => boolean

/**
 * Keeps what came inside the results, for the jobs' accounts, and answers whether a named content was brought: inside, by
 * upload, or as the account's own. Naming a hash alone brings nothing, else a node could read what it only knows the hash of.
 */
async function keepContent(
  tx: Transaction,
  checked: readonly Checked[],
  jobs: readonly Job[],
  at: Instant,
): Promise<IsBrought> {
  const jobOf = new Map(jobs.map((job) => [job.jobId, job]))
  const results = checked.flatMap((each) => {
    const job = jobOf.get(each.attempt.jobId)
    return job && each.saying.type === 'result' ? [{ ...each, job }] : []
  })
  const inside = results.flatMap(({ job: { accountId, spec }, small }) => {
    const reach: Reach = isSecret(spec) ? 'mixnet' : 'direct'
    return small.map((blob) => ({ accountId, reach, ...blob, size: blob.content.length, at }))
  })
  await tx.blobs.addSmall([...new Map(inside.map((blob) => [blob.digest, blob])).values()])
  await tx.blobs.grant(inside)
  const brought = byGrant(inside)
  const named = results.flatMap(({ job: { accountId }, saying }) =>
    contentOf(saying).map(({ digest }) => ({ accountId, digest })),
  )
  const elsewhere = [...byGrant(named.filter((each) => !brought.has(grantKey(each)))).values()]
  const granted = byGrant(await tx.blobs.granted(elsewhere))
  const sizes = await tx.blobs.sizes([...new Set([...granted.values()].map(({ digest }) => digest))])
  return (jobId, { digest, size }) => {
    const job = jobOf.get(jobId)
    const key = job && grantKey({ accountId: job.accountId, digest })
    return key !== undefined && (brought.get(key)?.size ?? (granted.has(key) ? sizes.get(digest) : undefined)) === size
  }
}

/** Once each, by account and digest. */
function byGrant<Of extends Grant>(grants: readonly Of[]): Map<string, Of> {
  return new Map(grants.map((grant) => [grantKey(grant), grant]))
}

function grantKey({ accountId, digest }: Grant): string {
  return `${accountId} ${digest}`
}

function contentOf(saying: Saying): BlobRef[] {
  return saying.type === 'result' ? [saying.report.stdout, saying.report.stderr, ...saying.report.outputs] : []
}

function changeOf({ saying, attempt, fault }: Checked, isBrought: IsBrought, at: Instant, jitter: number): TaskChange {
  const { attemptId, fence } = saying
  const { taskId, jobId } = attempt
  if (saying.type === 'started') return { taskId, event: { type: 'started', attemptId, fence, at } }
  const missing = contentOf(saying).find((ref) => !isBrought(jobId, ref))
  const lacks = missing && `its output with hash ${missing.digest} was not brought`
  const reason =
    saying.type === 'returned' ? saying.reason : (fault ?? lacks ?? failureAfterResume({ saying, attempt }))
  if (reason !== undefined) return { taskId, event: { type: 'returned', attemptId, fence, at, reason, jitter } }
  assert(saying.type === 'result', 'only results are left')
  return { taskId, event: { type: 'reported', attemptId, fence, report: reportOf(saying.report), at, jitter } }
}

/**
 * A program that fails after it went on from another node's checkpoint has not failed yet: the state may have been broken, or
 * made to break it. It is begun anew, without any state; failing then counts.
 */
function failureAfterResume({ saying, attempt }: Pick<Checked, 'saying' | 'attempt'>): string | undefined {
  if (saying.type !== 'result' || !attempt.resumedFrom || saying.report.outcome.ok) return undefined
  const { reason, detail } = saying.report.outcome.failure
  return `it went on from a checkpoint and failed, so it is begun anew: ${reason}, ${detail}`.slice(0, 300)
}
