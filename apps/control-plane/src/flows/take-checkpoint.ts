import { type CheckpointMessage, checkpointMessage } from '@fog/contract'
import { type AttemptId, fromHex, type Instant, type NodeId } from '@fog/kernel'
import { verify } from '@fog/kernel/node'
import { type Attempt, type Job, markOf, type StatedCheckpoint, type Task, weighCheckpoint } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { FogEvent, Transaction } from '../ports.ts'
import { advanceTasks } from './advance-tasks.ts'
import { jobOfTask } from './job-of-task.ts'

/** What a worker says of a checkpoint whose content it has brought. */
export interface CheckpointSaying {
  readonly nodeId: NodeId
  readonly attemptId: AttemptId
  readonly fence: number
  readonly checkpoint: CheckpointMessage
}

/** What became of it. `taken` is durable; what was refused is not tried again as it is. */
export type CheckpointAnswer =
  | { readonly kind: 'taken' | 'forged' }
  | { readonly kind: 'refused'; readonly why: string }

/** The feed tells of a task's checkpoints at most once in this time. */
const TOLD_EVERY_MS = 60_000

/**
 * Takes in checkpoints, many at a time: each in the place of the one before, its files with it, in one transaction. Only the
 * attempt that holds the lease has a say; what comes late or twice changes nothing.
 */
export async function hearCheckpoints(
  platform: Platform,
  sayings: readonly CheckpointSaying[],
): Promise<CheckpointAnswer[]> {
  const checked = await checkSayings(platform, sayings)
  const attempts = checked.filter((each) => typeof each === 'object')
  return platform.database.transact(async (tx) => {
    await startThem(platform, tx, attempts)
    const taker = await Taker.open(platform, tx, attempts)
    const answers: CheckpointAnswer[] = []
    for (const [i, saying] of sayings.entries()) {
      answers.push(checked[i] === 'forged' ? { kind: 'forged' } : await taker.take(saying))
    }
    await taker.close()
    return answers
  })
}

/** Each attempt, if it is known; `forged` is what the node cannot have said: another's attempt, or a signature not its own. */
async function checkSayings(
  { database }: Platform,
  sayings: readonly CheckpointSaying[],
): Promise<(Attempt | 'forged' | 'unknown')[]> {
  const found = await database.read.jobs.findAttempts(sayings.map(({ attemptId }) => attemptId))
  const attempts = new Map(found.map((attempt) => [attempt.attemptId, attempt]))
  const keys = new Map<NodeId, Uint8Array>()
  for (const nodeId of new Set(sayings.map((saying) => saying.nodeId))) {
    const node = await database.read.nodes.find(nodeId)
    keys.set(nodeId, fromHex(node?.publicKey ?? '') ?? new Uint8Array())
  }
  return sayings.map(({ nodeId, attemptId, fence, checkpoint }) => {
    const attempt = attempts.get(attemptId)
    if (!attempt) return 'unknown'
    if (attempt.nodeId !== nodeId || attempt.fence !== fence) return 'forged'
    const signed = checkpointMessage({ nodeId, attemptId, taskId: attempt.taskId, fence, checkpoint })
    const signature = fromHex(checkpoint.signature) ?? new Uint8Array()
    return verify(signed, signature, keys.get(nodeId)!) ? attempt : 'forged'
  })
}

/** Who leaves a checkpoint has begun, even if the word of it was lost: its node may not be sent the lease again. */
async function startThem(platform: Platform, tx: Transaction, attempts: readonly Attempt[]): Promise<void> {
  const at = platform.clock.now()
  const begun = attempts.filter(({ status }) => status === 'leased')
  const changes = begun.map(({ taskId, attemptId, fence }) => {
    return { taskId, event: { type: 'started', attemptId, fence, at } as const }
  })
  if (changes.length > 0) await advanceTasks(platform, tx, changes)
}

/** The tasks of one transaction while their checkpoints are taken. */
class Taker {
  readonly #platform: Platform
  readonly #tx: Transaction
  readonly #at: Instant
  readonly #tasks = new Map<AttemptId, { readonly task: Task; readonly job: Job }>()
  readonly #attempts = new Map<AttemptId, Attempt>()
  readonly #changed = new Set<AttemptId>()
  readonly #events: FogEvent[] = []

  private constructor(platform: Platform, tx: Transaction) {
    this.#platform = platform
    this.#tx = tx
    this.#at = platform.clock.now()
  }

  /** Locks the tasks, so that none of them ends or is placed anew meanwhile. */
  static async open(platform: Platform, tx: Transaction, attempts: readonly Attempt[]): Promise<Taker> {
    const taker = new Taker(platform, tx)
    const wanted = new Set(attempts.map(({ attemptId }) => attemptId))
    for (const found of await tx.jobs.findTasksForUpdate([...new Set(attempts.map(({ taskId }) => taskId))])) {
      const whole = await tx.jobs.findJob(found.task.jobId)
      if (!whole) continue
      const job = await jobOfTask(tx.jobs, whole, found.task)
      for (const attempt of found.attempts.filter(({ attemptId }) => wanted.has(attemptId))) {
        taker.#attempts.set(attempt.attemptId, attempt)
        taker.#tasks.set(attempt.attemptId, { task: found.task, job })
      }
    }
    return taker
  }

  async take({ attemptId, checkpoint: stated }: CheckpointSaying): Promise<CheckpointAnswer> {
    const [attempt, about] = [this.#attempts.get(attemptId), this.#tasks.get(attemptId)]
    if (!attempt || !about) return { kind: 'refused', why: 'the attempt is not known' }
    const { job } = about
    const { fuelPerCoreSecond } = this.#platform.config.prices
    const rules = { limits: job.spec.limits, maxBytes: stateBytesOf(this.#platform, job), fuelPerCoreSecond }
    const outcome = weighCheckpoint(attempt, statedOf(stated), this.#at, rules)
    if (outcome.kind === 'refused') return outcome
    if (outcome.kind === 'repeated') return { kind: 'taken' }
    const { checkpoint } = outcome
    const missing = await this.#tx.checkpoints.save(checkpoint, attempt.resumedFrom?.attemptId)
    if (missing !== undefined) return { kind: 'refused', why: `its file with hash ${missing} was not brought` }
    this.#attempts.set(attemptId, { ...attempt, checkpoint: markOf(checkpoint) })
    this.#changed.add(attemptId)
    if (isToBeTold(attempt, this.#at)) this.#events.push(eventOf(attempt, about, checkpoint.bytes, this.#at))
    return { kind: 'taken' }
  }

  async close(): Promise<void> {
    const changed = [...this.#changed].map((attemptId) => this.#attempts.get(attemptId)!)
    if (changed.length > 0) await this.#tx.jobs.saveAttempts(changed)
    if (this.#events.length === 0) return
    await this.#tx.events.append(this.#events)
    this.#tx.wake('events')
  }
}

/** Most bytes of a checkpoint of a task, by its job as the task sees it: no more than its disk. */
export function stateBytesOf({ config }: Pick<Platform, 'config'>, { spec }: Job): number {
  return Math.min(config.limits.maxStateBytes, spec.limits.diskBytes)
}

function statedOf({ fuel, ...rest }: CheckpointMessage): StatedCheckpoint {
  return { ...rest, fuel: BigInt(fuel) }
}

function isToBeTold({ checkpoint }: Attempt, at: Instant): boolean {
  return !checkpoint || Math.floor(checkpoint.at / TOLD_EVERY_MS) < Math.floor(at / TOLD_EVERY_MS)
}

function eventOf(
  { taskId, nodeId }: Attempt,
  { task, job }: { readonly task: Task; readonly job: Job },
  bytes: number,
  at: Instant,
): FogEvent {
  const { jobId, accountId } = job
  return { type: 'task.checkpointed', at, accountId, jobId, taskId, nodeId, data: { index: task.index, bytes } }
}
