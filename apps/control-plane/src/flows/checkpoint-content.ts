import { Readable } from 'node:stream'
import type { AttemptId } from '@fog/kernel'
import type { Attempt, Job } from '@fog/scheduler'
import { BlobError } from '../blobs/blob-error.ts'
import { bounded, verified } from '../blobs/checked-content.ts'
import type { OpenedContent } from '../blobs/open-content.ts'
import { headThenRest, type IncomingContent, readHead } from '../blobs/take-content.ts'
import type { Platform } from '../platform.ts'
import type { StateFile } from '../ports.ts'
import { stateBytesOf } from './take-checkpoint.ts'

/** What an attempt may have here at once, in checkpoints as large as allowed: one named, one under way, one cut off. */
const CHECKPOINTS_AT_ONCE = 3
/** In the blob store each has bytes of chance before it, so that no two share a name and each can be let go of alone. */
const SEAL_BYTES = 32
/** Uploads that no checkpoint has named for this long never will be. */
const UNNAMED_MS = 60 * 60_000
const RELEASE_BATCH = 256

/** Keeps a file of an attempt's next checkpoint. Throws `blob.too_large` or `blob.hash_mismatch`, and then keeps nothing. */
export async function takeStateFile(
  platform: Platform,
  { attempt, job }: { readonly attempt: Attempt; readonly job: Job },
  digest: string,
  content: IncomingContent,
): Promise<void> {
  const { database, blobs, clock, rng } = platform
  const maxBytes = stateBytesOf(platform, job)
  if ((content.statedSize ?? 0) > maxBytes) throw new BlobError({ code: 'blob.too_large', maxBytes })
  const before = await database.read.checkpoints.bytesOf(attempt.attemptId)
  const roomBytes = Math.min(maxBytes, Math.max(0, maxBytes * CHECKPOINTS_AT_ONCE - before))
  const parts = verified(bounded(content.parts, roomBytes), digest)
  const head = await readHead(parts)
  const keep = (size: number, kept: StateFile['kept']) => {
    const { attemptId, taskId } = attempt
    const file: StateFile = { attemptId, taskId, digest, size, kept, at: clock.now() }
    return database.transact((tx) => tx.checkpoints.addFile(file))
  }
  if (head.isWhole) return keep(head.bytes.length, { content: head.bytes })
  const sealed = headThenRest(rng.bytes(SEAL_BYTES), headThenRest(head.bytes, parts))
  const stored = await blobs.put(sealed, roomBytes + SEAL_BYTES)
  await keep(stored.size - SEAL_BYTES, { as: stored.digest })
}

/**
 * A file of the checkpoint that an attempt goes on from, or of its own; undefined where there is none. Should its content be
 * gone, as after a backup that could not hold it, the checkpoint goes too: the task begins anew the next time.
 */
export async function openStateFile(
  { database, blobs, log }: Platform,
  attemptIds: readonly (AttemptId | undefined)[],
  digest: string,
): Promise<OpenedContent | undefined> {
  for (const attemptId of attemptIds) {
    const file = attemptId && (await database.read.checkpoints.findFile(attemptId, digest))
    if (!file) continue
    const { size, kept } = file
    if ('content' in kept)
      return { digest, size, stream: Readable.from([Buffer.from(kept.content)], { objectMode: false }) }
    const found = await blobs.open(kept.as)
    if (found) return { digest, size, stream: Readable.from(unsealed(found.stream), { objectMode: false }) }
    log.warn({ taskId: file.taskId, digest }, 'the content of a checkpoint is gone')
    await database.transact((tx) => tx.checkpoints.release([file.taskId]))
  }
  return undefined
}

/** Lets go of what was uploaded and never named, and of content that nothing refers to any more. */
export async function releaseState({ database, blobs, clock }: Platform): Promise<'more' | 'idle'> {
  const before = clock.now() - UNNAMED_MS
  const unnamed = await database.transact((tx) => tx.checkpoints.releaseUnnamed(before, RELEASE_BATCH))
  const names = await database.read.checkpoints.listLeftovers(RELEASE_BATCH)
  // The content first: should we end here, the name is still there to try again by.
  for (const name of names) await blobs.delete(name)
  if (names.length > 0) await database.transact((tx) => tx.checkpoints.forgetLeftovers(names))
  return unnamed === RELEASE_BATCH || names.length === RELEASE_BATCH ? 'more' : 'idle'
}

async function* unsealed(stream: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  let left = SEAL_BYTES
  for await (const part of stream as AsyncIterable<Buffer>) {
    const skipped = Math.min(left, part.length)
    left -= skipped
    if (part.length > skipped) yield part.subarray(skipped)
  }
}
