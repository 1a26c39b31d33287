import { Readable } from 'node:stream'
import { concat, toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import type { BlobStore } from '../ports.ts'
import { bounded } from './checked-content.ts'

/** The memory twin, for tests and simulations. */
export class MemoryBlobStore implements BlobStore {
  readonly #contents = new Map<string, Uint8Array>()

  async put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ digest: string; size: number }> {
    const parts: Uint8Array[] = []
    for await (const part of bounded(content, maxBytes)) parts.push(part)
    const whole = concat(...parts)
    const digest = toHex(sha256(whole))
    this.#contents.set(digest, whole)
    return { digest, size: whole.length }
  }

  async open(digest: string): Promise<{ size: number; stream: NodeJS.ReadableStream } | undefined> {
    const content = this.#contents.get(digest)
    return content && { size: content.length, stream: Readable.from([Buffer.from(content)], { objectMode: false }) }
  }

  async has(digest: string): Promise<boolean> {
    return this.#contents.has(digest)
  }

  async delete(digest: string): Promise<void> {
    this.#contents.delete(digest)
  }
}
