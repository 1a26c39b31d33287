import type { Reach } from '@fog/fog'
import type { AttemptId, NodeId } from '@fog/kernel'
import { type Attempt, isLive, type Job, type Task } from '@fog/scheduler'
import { BlobError } from '../blobs/blob-error.ts'
import { type OpenedContent, openContent } from '../blobs/open-content.ts'
import { type IncomingContent, takeContent } from '../blobs/take-content.ts'
import type { Platform } from '../platform.ts'
import { openStateFile, takeStateFile } from './checkpoint-content.ts'
import { ContentError } from './content.ts'
import { jobOfTask } from './job-of-task.ts'
import { isSecret, refuseInTheOpen } from './secrecy.ts'

/** What a node asks for: content of an attempt it holds. */
export interface AttemptContent {
  readonly nodeId: NodeId
  readonly attemptId: AttemptId
  readonly digest: string
  /** How the node asks; directly unless said. Content of secret jobs goes through the mixnet alone: `job.needs_mixnet`. */
  readonly reach?: Reach | undefined
}

/** Files, standard output and standard error may each be as large as the job's output limit. */
const OUTPUTS_PER_ATTEMPT = 3
/** Attempts whose uploads are counted; beyond, the count starts anew, which a node cannot bring about alone. */
const MAX_COUNTED = 50_000

/**
 * An input of an attempt whose live lease the node holds, or a file of the checkpoint it goes on from. Everything else is
 * answered with `blob.not_found`, whether it exists or not.
 */
export async function openAttemptContent(platform: Platform, wanted: AttemptContent): Promise<OpenedContent> {
  const held = await findHeld(platform, wanted)
  const { attemptId, digest } = wanted
  if (held && isInput(held.job, held.task, digest)) {
    const input = await openContent(platform, digest)
    if (input) return input
  }
  const state = held && (await openStateFile(platform, [held.attempt.resumedFrom?.attemptId, attemptId], digest))
  if (!state) throw notFound(digest)
  return state
}

/** Keeps a file of the next checkpoint of an attempt the node holds. Throws `blob.not_found` without the live lease. */
export async function takeAttemptState(
  platform: Platform,
  wanted: AttemptContent,
  content: IncomingContent,
): Promise<void> {
  const held = await findHeld(platform, wanted)
  if (!held) throw notFound(wanted.digest)
  await takeStateFile(platform, held, wanted.digest, content)
}

/** Takes in the outputs of running attempts, each and all of them within the job's limit. */
export class AttemptOutputs {
  readonly #platform: Platform
  readonly #bytes = new Map<AttemptId, number>()

  constructor(platform: Platform) {
    this.#platform = platform
  }

  /**
   * Keeps one output for the job's account: that the node has the bytes is what lets a result name them. Throws `blob.not_found` without the live
   * lease, `blob.too_large` beyond the limit, `blob.hash_mismatch` when it is something else.
   */
  async take(wanted: AttemptContent, content: IncomingContent): Promise<void> {
    const { attemptId, digest } = wanted
    const held = await findHeld(this.#platform, wanted)
    if (!held) throw notFound(digest)
    const { outputBytes: maxBytes } = held.job.spec.limits
    const parts = this.#counted(attemptId, content.parts, maxBytes * OUTPUTS_PER_ATTEMPT)
    await takeContent(this.#platform, { ...content, parts }, { digest, maxBytes })
    const { accountId, spec } = held.job
    const reach = isSecret(spec) ? 'mixnet' : 'direct'
    await this.#platform.database.transact((tx) => tx.blobs.grant([{ accountId, digest, reach }]))
  }

  /** Counts what comes for an attempt, over all its uploads at once; what breaks off is taken off again. */
  async *#counted(
    attemptId: AttemptId,
    parts: AsyncIterable<Uint8Array>,
    maxBytes: number,
  ): AsyncGenerator<Uint8Array> {
    let own = 0
    let isWhole = false
    try {
      for await (const part of parts) {
        own += part.length
        if (this.#add(attemptId, part.length) > maxBytes) throw new BlobError({ code: 'blob.too_large', maxBytes })
        yield part
      }
      isWhole = true
    } finally {
      if (!isWhole) this.#add(attemptId, -own)
    }
  }

  #add(attemptId: AttemptId, bytes: number): number {
    const sum = Math.max(0, (this.#bytes.get(attemptId) ?? 0) + bytes)
    if (this.#bytes.size >= MAX_COUNTED) this.#bytes.clear()
    this.#bytes.set(attemptId, sum)
    return sum
  }
}

async function findHeld(
  { database }: Platform,
  { nodeId, attemptId, reach = 'direct' }: AttemptContent,
): Promise<{ attempt: Attempt; task: Task; job: Job } | undefined> {
  const { jobs } = database.read
  const attempt = await jobs.findAttempt(attemptId)
  if (!attempt || attempt.nodeId !== nodeId || !isLive(attempt)) return undefined
  const [found, job] = await Promise.all([jobs.findTask(attempt.taskId), jobs.findJob(attempt.jobId)])
  if (job) refuseInTheOpen(job.spec, reach)
  return found && job && { attempt, task: found.task, job: await jobOfTask(jobs, job, found.task) }
}

function isInput({ spec }: Job, task: Task, digest: string): boolean {
  if (spec.program.digest === digest || spec.stdin?.digest === digest) return true
  return [...spec.inputs, ...task.inputs].some((input) => input.digest === digest)
}

function notFound(digest: string): ContentError {
  return new ContentError({ code: 'blob.not_found', digest })
}
