import { FogError } from '@fog/kernel'
import type { BlobIndex, BlobStore } from '../ports.ts'

export class ContentError extends FogError<
  | { code: 'blob.not_found'; digest: string }
  | { code: 'blob.too_large_to_read'; digest: string; size: number; limit: number }
  | { code: 'blob.needs_mixnet'; digest: string }
> {
  static override readonly texts = {
    'blob.not_found': {
      says: 'There is no content with hash {digest} that you may read.',
      fix: 'Check the hash, or upload the content first.',
    },
    'blob.needs_mixnet': {
      says: 'The content {digest} came through the mixnet only, and is handed out through nothing else.',
      fix: 'Ask again with `fog --mixnet`, or by the address that `fog mix tunnel` prints.',
    },
    'blob.too_large_to_read': {
      says: 'The content {digest} has {size} bytes where at most {limit} are read at once.',
      fix: 'Make it smaller.',
    },
  }
}

/** Small content whole, wherever it is kept. Throws `blob.not_found` or `blob.too_large_to_read`. */
export async function readContent(
  stores: { readonly index: BlobIndex; readonly blobs: BlobStore },
  digest: string,
  limit: number,
): Promise<Uint8Array> {
  const small = await stores.index.findSmall(digest)
  if (small) return small
  const found = await stores.blobs.open(digest)
  if (!found) throw new ContentError({ code: 'blob.not_found', digest })
  if (found.size > limit) {
    throw new ContentError({ code: 'blob.too_large_to_read', digest, size: found.size, limit })
  }
  const parts: Uint8Array[] = []
  for await (const part of found.stream) parts.push(part as Uint8Array)
  return new Uint8Array(Buffer.concat(parts))
}
