import { createReadStream, createWriteStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebReadableStream } from 'node:stream/web'
import { type AttemptId, type Clock, FogError, type Instant, type Rng, toHex } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'
import type { BlobRef } from '@fog/contract'
import { isPassing, type NodeApi } from './node-api.ts'
import { retried } from './retry.ts'

/** Why an input could not be had; the task goes back with this reason. */
export class InputError extends FogError<
  | { code: 'worker.input_unavailable'; digest: string; why: string }
  | { code: 'worker.input_corrupt'; digest: string; why: string }
> {
  static override readonly texts = {
    'worker.input_unavailable': {
      says: 'The input {digest} could not be fetched: {why}.',
      fix: 'The task is given back and tried elsewhere.',
    },
    'worker.input_corrupt': {
      says: 'The input {digest} came damaged: {why}.',
      fix: 'The task is given back and tried elsewhere.',
    },
  }
}

export interface InputOptions {
  readonly maxBytes: number
  /** Tries for one input, with pauses that double. */
  readonly tries: number
  readonly firstPauseMs: number
  readonly mostPauseMs: number
  /** No byte for this long, and the fetch is started again. */
  readonly silenceMs: number
  /** All tries together. */
  readonly deadlineMs: number
}

export const DEFAULT_INPUTS: Omit<InputOptions, 'maxBytes'> = {
  tries: 6,
  firstPauseMs: 100,
  mostPauseMs: 5_000,
  silenceMs: 20_000,
  deadlineMs: 600_000,
}

/** Content on this disk, checked; it stays until it is released. */
export interface PinnedInput {
  readonly file: string
  readonly digest: string
  readonly size: number
  release(): void
}

interface Entry {
  readonly size: number
  pins: number
  /** Left by an earlier run: its hash is checked once before it is used. */
  isChecked: boolean
  /** When its last use was noted on disk. */
  markedAt: Instant
}

const MARK_EVERY_MS = 60_000

/** Inputs by hash, kept on disk for later tasks: each is fetched once, checked before use, and the longest unused go first. */
export class InputCache {
  readonly #folder: string
  readonly #api: NodeApi
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #options: InputOptions
  /** In order of use, the longest unused first. */
  readonly #entries = new Map<string, Entry>()
  readonly #coming = new Map<string, Promise<void>>()
  #bytes = 0
  #drafts = 0

  constructor(
    { folder, api, clock, rng }: { folder: string; api: NodeApi; clock: Clock; rng: Rng },
    options: InputOptions,
  ) {
    this.#folder = folder
    this.#api = api
    this.#clock = clock
    this.#rng = rng
    this.#options = options
    rmSync(join(folder, 'drafts'), { recursive: true, force: true })
    mkdirSync(join(folder, 'drafts'), { recursive: true, mode: 0o700 })
    this.#readFolder()
    this.#evict()
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The content, on behalf of an attempt that may read it. Throws `InputError`, or the signal's reason. */
  async take(attemptId: AttemptId, { digest, size }: BlobRef, signal: AbortSignal): Promise<PinnedInput> {
    for (;;) {
      signal.throwIfAborted()
      const entry = this.#entries.get(digest)
      if (entry?.isChecked) return this.#pin(digest, entry)
      const coming = this.#coming.get(digest)
      // Whoever came first may fail for reasons of its own, a cancelled task say; then it is our turn.
      if (coming) await aborted(coming, signal).catch(() => signal.throwIfAborted())
      else await this.#bring(digest, () => this.#obtain(attemptId, { digest, size }, signal))
    }
  }

  async #bring(digest: string, obtain: () => Promise<void>): Promise<void> {
    const coming = obtain().finally(() => this.#coming.delete(digest))
    this.#coming.set(digest, coming)
    // Those who wait look at the outcome themselves.
    coming.catch(() => undefined)
    await coming
  }

  async #obtain(attemptId: AttemptId, blob: BlobRef, signal: AbortSignal): Promise<void> {
    const left = this.#entries.get(blob.digest)
    if (left && (await this.#isWhole(blob.digest))) {
      left.isChecked = true
      return
    }
    if (left) await this.#remove(blob.digest, left)
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#options.deadlineMs)])
    try {
      await retried(
        () => this.#fetch(attemptId, blob, deadline),
        { clock: this.#clock, rng: this.#rng },
        {
          tries: this.#options.tries,
          firstMs: this.#options.firstPauseMs,
          mostMs: this.#options.mostPauseMs,
          isPassing: (fault) => isPassing(fault) || fault instanceof InputError,
          signal: deadline,
        },
      )
    } catch (fault) {
      signal.throwIfAborted()
      if (fault instanceof InputError) throw fault
      const why = fault instanceof Error ? fault.message : String(fault)
      throw new InputError({ code: 'worker.input_unavailable', digest: blob.digest, why }, { cause: fault })
    }
  }

  async #fetch(attemptId: AttemptId, { digest, size }: BlobRef, signal: AbortSignal): Promise<void> {
    const draft = join(this.#folder, 'drafts', String(this.#drafts++))
    const silence = new SilenceTimer(this.#options.silenceMs, signal)
    try {
      const response = await this.#api.openInput(attemptId, digest, silence.signal)
      const found = await this.#download(response, draft, size, silence)
      if (found.digest !== digest || found.size !== size) {
        const why = `${found.size} of ${size} bytes came, with the hash ${found.digest}`
        throw new InputError({ code: 'worker.input_corrupt', digest, why })
      }
      await rename(draft, this.#fileOf(digest))
      this.#add(digest, { size, pins: 0, isChecked: true, markedAt: this.#clock.now() })
    } catch (fault) {
      await rm(draft, { force: true })
      silence.throwIfSilent(digest)
      throw fault
    } finally {
      silence.stop()
    }
  }

  async #download(response: Response, draft: string, size: number, silence: SilenceTimer) {
    const hash = sha256Stream()
    let received = 0
    const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        silence.heard()
        received += chunk.length
        // More than was promised is never right, and must not fill the disk.
        if (received > size) return
        hash.update(chunk)
        yield chunk
      }
    }
    const body = response.body ? Readable.fromWeb(response.body as WebReadableStream) : Readable.from([])
    await pipeline(body, counted, createWriteStream(draft, { mode: 0o600 }), { signal: silence.signal })
    return { size: received, digest: toHex(hash.digest()) }
  }

  #pin(digest: string, entry: Entry): PinnedInput {
    entry.pins++
    this.#entries.delete(digest)
    this.#entries.set(digest, entry)
    const release = once(() => {
      entry.pins--
      this.#evict()
    })
    this.#markUsed(digest, entry)
    return { file: this.#fileOf(digest), digest, size: entry.size, release }
  }

  /** The order of use outlives the worker as file times, to the minute; losing one costs a fetch at most. */
  #markUsed(digest: string, entry: Entry): void {
    const now = this.#clock.now()
    if (now - entry.markedAt < MARK_EVERY_MS) return
    entry.markedAt = now
    const time = new Date(now)
    void utimes(this.#fileOf(digest), time, time).catch(() => undefined)
  }

  #add(digest: string, entry: Entry): void {
    this.#entries.set(digest, entry)
    this.#bytes += entry.size
    // What has just come is about to be pinned by those who asked for it.
    this.#evict(digest)
  }

  #evict(except?: string): void {
    for (const [digest, entry] of this.#entries) {
      if (this.#bytes <= this.#options.maxBytes) return
      if (entry.pins > 0 || digest === except || this.#coming.has(digest)) continue
      this.#entries.delete(digest)
      this.#bytes -= entry.size
      rmSync(this.#fileOf(digest), { force: true })
    }
  }

  async #remove(digest: string, entry: Entry): Promise<void> {
    this.#entries.delete(digest)
    this.#bytes -= entry.size
    await rm(this.#fileOf(digest), { force: true })
  }

  async #isWhole(digest: string): Promise<boolean> {
    const hash = sha256Stream()
    try {
      for await (const chunk of createReadStream(this.#fileOf(digest))) hash.update(chunk as Buffer)
    } catch {
      return false
    }
    return toHex(hash.digest()) === digest
  }

  #fileOf(digest: string): string {
    return join(this.#folder, digest)
  }

  #readFolder(): void {
    const found = readdirSync(this.#folder)
      .filter((name) => /^[0-9a-f]{64}$/.test(name))
      .map((digest) => ({ digest, stats: statSync(this.#fileOf(digest)) }))
      .sort((a, b) => a.stats.mtimeMs - b.stats.mtimeMs)
    for (const { digest, stats } of found) {
      this.#entries.set(digest, { size: stats.size, pins: 0, isChecked: false, markedAt: stats.mtimeMs })
      this.#bytes += stats.size
    }
  }
}

/** Aborts when nothing was heard for a while, or with the signal it was given. */
class SilenceTimer {
  readonly signal: AbortSignal
  readonly #silence = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(ms: number, signal: AbortSignal) {
    this.#timer = setTimeout(() => this.#silence.abort(), ms)
    this.signal = AbortSignal.any([signal, this.#silence.signal])
  }

  heard(): void {
    this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  throwIfSilent(digest: string): void {
    if (!this.#silence.signal.aborted) return
    throw new InputError({ code: 'worker.input_unavailable', digest, why: 'the control plane went silent' })
  }
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    work()
  }
}

/** The promise, or the signal's reason if that comes first. */
function aborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: end, reject } = Promise.withResolvers<void>()
  const abort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, end]).finally(() => signal.removeEventListener('abort', abort))
}
