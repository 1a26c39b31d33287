import type { Platform } from '../platform.ts'
import { SMALL_BLOB_BYTES, type Transaction } from '../ports.ts'
import { BlobError } from './blob-error.ts'
import { bounded, verified } from './checked-content.ts'

export interface IncomingContent {
  readonly parts: AsyncIterable<Uint8Array>
  /** What its sender says it will be. */
  readonly statedSize?: number | undefined
}

export interface ContentTerms {
  /** What it must turn out to be. */
  readonly digest: string
  readonly maxBytes: number
}

/**
 * Takes content in as it streams: small content into the index, the rest into the blob store and its name into the index.
 * `also` runs in the same transaction. Answers the size. Throws `blob.too_large` or `blob.hash_mismatch`, and then keeps
 * nothing.
 */
export async function takeContent(
  { database, blobs, clock }: Pick<Platform, 'database' | 'blobs' | 'clock'>,
  content: IncomingContent,
  { digest, maxBytes }: ContentTerms,
  also: (tx: Transaction) => Promise<void> = async () => {},
): Promise<number> {
  // What admits to be too long needs not come first.
  if ((content.statedSize ?? 0) > maxBytes) throw new BlobError({ code: 'blob.too_large', maxBytes })
  const parts = verified(bounded(content.parts, maxBytes), digest)
  const head = await readHead(parts)
  const at = clock.now()
  if (head.isWhole) {
    await database.transact(async (tx) => {
      await tx.blobs.addSmall([{ digest, content: head.bytes, at }])
      await also(tx)
    })
    return head.bytes.length
  }
  const { size } = await blobs.put(headThenRest(head.bytes, parts), maxBytes)
  await database.transact(async (tx) => {
    await tx.blobs.add([{ digest, size, at }])
    await also(tx)
  })
  return size
}

/** Reads on until the content has ended or is no longer small. */
export async function readHead(parts: AsyncGenerator<Uint8Array>): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const read: Uint8Array[] = []
  let size = 0
  while (size <= SMALL_BLOB_BYTES) {
    const next = await parts.next()
    if (next.done) return { bytes: join(read), isWhole: true }
    read.push(next.value)
    size += next.value.length
  }
  return { bytes: join(read), isWhole: false }
}

/** Content that was read at the beginning, put together again. */
export async function* headThenRest(head: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  yield* rest
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
