import { toHex } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'
import { BlobError } from './blob-error.ts'

/** Passes content on up to `maxBytes`; throws `blob.too_large` at the first byte too many. */
export async function* bounded(content: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const part of content) {
    size += part.length
    if (size > maxBytes) throw new BlobError({ code: 'blob.too_large', maxBytes })
    yield part
  }
}

/**
 * Passes content on and checks its hash at the end: throws `blob.hash_mismatch` before whoever stores it learns that it
 * has ended, so that content under a wrong name is never kept.
 */
export async function* verified(content: AsyncIterable<Uint8Array>, expected: string): AsyncGenerator<Uint8Array> {
  const hash = sha256Stream()
  for await (const part of content) {
    hash.update(part)
    yield part
  }
  const actual = toHex(hash.digest())
  if (actual !== expected) throw new BlobError({ code: 'blob.hash_mismatch', expected, actual })
}
