import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Clock, type Rng, toBase32, toHex } from '@fog/kernel'
import { sha256Stream, systemClock, systemRng } from '@fog/kernel/node'
import type { BlobStore } from '../ports.ts'
import { bounded } from './checked-content.ts'

/** A draft not written to for this long was left by a crash; a live upload writes all the time. */
const LEFTOVER_MS = 60 * 60_000

export interface FolderBlobStoreDependencies {
  readonly clock: Clock
  readonly rng: Rng
}

const SYSTEM: FolderBlobStoreDependencies = { clock: systemClock, rng: systemRng }

/**
 * Content in a folder, each under its SHA-256: `ab/cdef…`. Written beside, synced, then renamed: a crash leaves whole
 * content or none. Several processes may share the folder.
 */
export class FolderBlobStore implements BlobStore {
  readonly #folder: string
  readonly #drafts: string
  readonly #rng: Rng

  private constructor(folder: string, rng: Rng) {
    this.#folder = folder
    this.#drafts = join(folder, 'drafts')
    this.#rng = rng
  }

  /** Makes the folder if need be and sweeps what crashes left behind. */
  static async open(folder: string, { clock, rng }: FolderBlobStoreDependencies = SYSTEM): Promise<FolderBlobStore> {
    const store = new FolderBlobStore(folder, rng)
    await mkdir(store.#drafts, { recursive: true })
    await store.#sweep(clock.now() - LEFTOVER_MS)
    return store
  }

  async put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ digest: string; size: number }> {
    const draft = join(this.#drafts, toBase32(this.#rng.bytes(16)))
    try {
      const written = await writeDraft(draft, bounded(content, maxBytes))
      await this.#publish(draft, written.digest)
      return written
    } catch (fault) {
      await rm(draft, { force: true })
      throw fault
    }
  }

  async open(digest: string): Promise<{ size: number; stream: NodeJS.ReadableStream } | undefined> {
    const file = await openIfThere(this.#path(digest))
    if (!file) return undefined
    const { size } = await file.stat()
    // The handle, not the path: a delete meanwhile does not cut the reader off.
    return { size, stream: createReadStream('', { fd: file }) }
  }

  async has(digest: string): Promise<boolean> {
    return stat(this.#path(digest)).then(
      () => true,
      (fault) => ifMissing(fault, false),
    )
  }

  async delete(digest: string): Promise<void> {
    await rm(this.#path(digest), { force: true })
  }

  async #publish(draft: string, digest: string): Promise<void> {
    const path = this.#path(digest)
    const made = await mkdir(dirname(path), { recursive: true })
    // Over the same content if it is there already: equal bytes, so readers notice nothing.
    await rename(draft, path)
    await syncFolder(dirname(path))
    if (made !== undefined) await syncFolder(this.#folder)
  }

  /** Digests are checked at the door; a path is made of nothing else. */
  #path(digest: string): string {
    return join(this.#folder, digest.slice(0, 2), digest.slice(2))
  }

  async #sweep(before: number): Promise<void> {
    for (const name of await readdir(this.#drafts)) {
      const path = join(this.#drafts, name)
      const found = await stat(path).catch((fault: unknown) => ifMissing(fault, undefined))
      if (found && found.mtimeMs < before) await rm(path, { force: true })
    }
  }
}

async function writeDraft(path: string, content: AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }> {
  const hash = sha256Stream()
  let size = 0
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const part of content) {
      hash.update(part)
      size += part.length
      await writeAll(file, part)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { digest: toHex(hash.digest()), size }
}

async function writeAll(file: FileHandle, part: Uint8Array): Promise<void> {
  for (let at = 0; at < part.length;) at += (await file.write(part, at)).bytesWritten
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((fault: unknown) => ifMissing(fault, undefined))
}

/** Without it the new name itself may be lost in a power cut. Windows cannot sync folders and needs not. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function ifMissing<T>(fault: unknown, answer: T): T {
  if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return answer
  throw fault
}
