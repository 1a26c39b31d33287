import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_INLINE_BLOB_BYTES } from '@fog/contract'
import type { AttemptId } from '@fog/kernel'
import { toHex } from '@fog/kernel'
import { sha256, sha256Stream } from '@fog/kernel/node'
import { type ContentSink, MemorySink } from './executor/contents.ts'
import { syncFolder } from './files.ts'

/** One content of a result, by its hash: small ones here, larger ones in the outbox. */
export interface KeptContent {
  readonly digest: string
  readonly size: number
  /** Undefined when it lies in the outbox. */
  readonly bytes: Uint8Array | undefined
}

/** Contents too large for a message, on disk until their result is acknowledged: `<folder>/<attempt>/<digest>`. */
export class Outbox {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Removes what belongs to no result: left by runs that never ended. */
  keepOnly(attemptIds: readonly AttemptId[]): void {
    const wanted = new Set<string>(attemptIds)
    for (const name of readdirSync(this.#folder)) {
      if (!wanted.has(name)) rmSync(join(this.#folder, name), { recursive: true, force: true })
    }
  }

  remove(attemptId: AttemptId): void {
    rmSync(join(this.#folder, attemptId), { recursive: true, force: true })
  }

  /** Removes an attempt's contents but these. */
  keepContents(attemptId: AttemptId, digests: ReadonlySet<string>): void {
    const folder = join(this.#folder, attemptId)
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder)) if (!digests.has(name)) rmSync(join(folder, name), { force: true })
  }

  fileOf(attemptId: AttemptId, digest: string): string {
    return join(this.#folder, attemptId, digest)
  }

  /** A place for the contents of one attempt. */
  collect(attemptId: AttemptId): OutputCollector {
    return new OutputCollector(join(this.#folder, attemptId))
  }
}

/** Takes the contents of one result as the executor brings them, and hashes each. */
export class OutputCollector {
  readonly #folder: string
  #sinks: KeptSink[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  openSink(size: number): ContentSink {
    const sink = size <= MAX_INLINE_BLOB_BYTES ? new SmallSink(size) : new LargeSink(this.#folder, this.#sinks.length)
    this.#sinks.push(sink)
    return sink
  }

  /** Forgets what came of a run that is begun again. */
  async reset(): Promise<void> {
    const sinks = this.#sinks
    this.#sinks = []
    await Promise.all(sinks.map((sink) => sink.abandon()))
  }

  /** The contents in the order they were opened; those in the outbox are durable. */
  async contents(): Promise<KeptContent[]> {
    const contents = await Promise.all(this.#sinks.map((sink) => sink.keep()))
    if (contents.some(({ bytes }) => bytes === undefined)) syncFolder(this.#folder)
    return contents
  }

  /** Puts a small content into the outbox after all. */
  async spill({ digest, bytes }: { readonly digest: string; readonly bytes: Uint8Array }): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    await writeFile(join(this.#folder, digest), bytes, { mode: 0o600, flush: true })
    syncFolder(this.#folder)
  }
}

interface KeptSink extends ContentSink {
  keep(): Promise<KeptContent>
  abandon(): Promise<void>
}

class SmallSink implements KeptSink {
  readonly #memory: MemorySink

  constructor(size: number) {
    this.#memory = new MemorySink(size)
  }

  write(bytes: Uint8Array): void {
    this.#memory.write(bytes)
  }

  async keep(): Promise<KeptContent> {
    const { bytes } = this.#memory
    return { digest: toHex(sha256(bytes)), size: bytes.length, bytes }
  }

  async abandon(): Promise<void> {
    // Nothing outside of memory.
  }
}

class LargeSink implements KeptSink {
  readonly #folder: string
  readonly #draft: string
  readonly #hash = sha256Stream()
  #size = 0
  #file: FileHandle | undefined

  constructor(folder: string, place: number) {
    this.#folder = folder
    this.#draft = join(folder, `draft-${place}`)
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#file ??= await this.#create()
    this.#hash.update(bytes)
    this.#size += bytes.length
    await this.#file.writeFile(bytes)
  }

  async keep(): Promise<KeptContent> {
    const digest = toHex(this.#hash.digest())
    await this.#file?.sync()
    await this.#file?.close()
    await rename(this.#draft, join(this.#folder, digest))
    return { digest, size: this.#size, bytes: undefined }
  }

  async abandon(): Promise<void> {
    await this.#file?.close()
  }

  async #create(): Promise<FileHandle> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    return open(this.#draft, 'w', 0o600)
  }
}
