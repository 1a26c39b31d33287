import { Readable } from 'node:stream'
import type { Platform } from '../platform.ts'

/** Content on its way out. Whoever takes it reads the stream or destroys it. */
export interface OpenedContent {
  readonly digest: string
  readonly size: number
  readonly stream: NodeJS.ReadableStream
}

/** Content by hash, wherever it is kept; undefined where it is not. */
export async function openContent(
  { database, blobs }: Pick<Platform, 'database' | 'blobs'>,
  digest: string,
): Promise<OpenedContent | undefined> {
  const small = await database.read.blobs.findSmall(digest)
  if (small) {
    const stream = Readable.from([Buffer.from(small)], { objectMode: false })
    return { digest, size: small.length, stream }
  }
  const found = await blobs.open(digest)
  return found && { digest, ...found }
}
