import { type BlobRef, type ReportMessage, resultMessage } from '@fog/contract'
import {
  assert,
  type AttemptId,
  fromBase64Url,
  fromHex,
  type Instant,
  type NodeId,
  type TaskId,
  toHex,
} from '@fog/kernel'
import { sha256, verify } from '@fog/kernel/node'
import { resultPreimage } from '@fog/idle'
import type { Attempt, Report } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { SMALL_BLOB_BYTES, type Transaction } from '../ports.ts'
import { advanceTasks, type TaskChange } from './advance-tasks.ts'

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
type ResultSaying = Extract<Saying, { type: 'result' }>

/** What became of it. Everything but `forged` may be forgotten by the worker. */
export type Heard = 'counted' | 'ignored' | 'forged'

/**
 * Takes in what workers say, many at a time. Each is checked against its attempt, its node's key and its own digest; all
 * that hold count in one transaction, their small outputs with them. What comes late or twice changes nothing.
 */
export async function hearWorkers(platform: Platform, sayings: readonly Saying[]): Promise<Heard[]> {
  const checked = await checkSayings(platform, sayings)
  const genuine = checked.filter((each) => each !== undefined)
  const ignored = await platform.database.transact(async (tx) => {
    const at = platform.clock.now()
    const missing = await keepContent(tx, genuine, at)
    const changes = genuine.map((each) => changeOf(each, missing, at, platform.rng.next()))
    const answers = await advanceTasks(platform, tx, changes)
    await grantOutputs(
      tx,
      genuine.filter((_, i) => answers[i] === undefined),
    )
    return answers
  })
  return checked.map((each) => {
    if (!each) return 'forged'
    return ignored[genuine.indexOf(each)] === undefined ? 'counted' : 'ignored'
  })
}

interface Checked {
  readonly saying: Saying
  readonly attempt: Attempt
  readonly small: readonly { readonly digest: string; readonly content: Uint8Array }[]
  /** What is wrong with the result, if anything: then the attempt does not count. */
  readonly fault: string | undefined
}

/** Undefined for what the node cannot have said: another's attempt, or a signature that is not its own. */
async function checkSayings({ database }: Platform, sayings: readonly Saying[]): Promise<(Checked | undefined)[]> {
  const found = await database.read.jobs.findAttempts(sayings.map(({ attemptId }) => attemptId))
  const attempts = new Map(found.map((attempt) => [attempt.attemptId, attempt]))
  const keys = new Map<NodeId, string>()
  for (const nodeId of new Set(sayings.filter(({ type }) => type === 'result').map(({ nodeId }) => nodeId))) {
    const node = await database.read.nodes.find(nodeId)
    if (node) keys.set(nodeId, node.publicKey)
  }
  return sayings.map((saying) => {
    const attempt = attempts.get(saying.attemptId)
    if (!attempt || attempt.nodeId !== saying.nodeId) return undefined
    if (saying.type !== 'result') return { saying, attempt, small: [], fault: undefined }
    if (!isGenuine(saying, attempt.taskId, keys.get(saying.nodeId))) return undefined
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

/** Keeps what came inside the results, and answers the hashes they name that are not here, with the size each should have. */
async function keepContent(
  tx: Transaction,
  checked: readonly Checked[],
  at: Instant,
): Promise<(ref: BlobRef) => boolean> {
  const small = checked.flatMap((each) => each.small.map((blob) => ({ ...blob, at })))
  if (small.length > 0) await tx.blobs.addSmall(small)
  const named = checked.flatMap(({ saying }) => contentOf(saying))
  const sizes = named.length > 0 ? await tx.blobs.sizes([...new Set(named.map(({ digest }) => digest))]) : new Map()
  return ({ digest, size }) => sizes.get(digest) !== size
}

function contentOf(saying: Saying): BlobRef[] {
  return saying.type === 'result' ? [saying.report.stdout, saying.report.stderr, ...saying.report.outputs] : []
}

function changeOf(
  { saying, attempt, fault }: Checked,
  isMissing: (ref: BlobRef) => boolean,
  at: Instant,
  jitter: number,
): TaskChange {
  const { attemptId, fence } = saying
  const { taskId } = attempt
  if (saying.type === 'started') return { taskId, event: { type: 'started', attemptId, fence, at } }
  const missing = contentOf(saying).find(isMissing)
  const lacks = missing && `its output with hash ${missing.digest} was not uploaded`
  const reason = saying.type === 'returned' ? saying.reason : (fault ?? lacks)
  if (reason !== undefined) return { taskId, event: { type: 'returned', attemptId, fence, at, reason, jitter } }
  assert(saying.type === 'result', 'only results are left')
  return { taskId, event: { type: 'reported', attemptId, fence, report: reportOf(saying.report), at } }
}

/** What counted belongs to the job's account from now on. */
async function grantOutputs(tx: Transaction, counted: readonly Checked[]): Promise<void> {
  const byJob = Map.groupBy(counted, ({ attempt }) => attempt.jobId)
  for (const [jobId, results] of byJob) {
    const digests = new Set(results.flatMap(({ saying }) => contentOf(saying)).map(({ digest }) => digest))
    const job = digests.size > 0 ? await tx.jobs.findJob(jobId) : undefined
    if (job) await tx.blobs.grant(job.accountId, [...digests])
  }
}
