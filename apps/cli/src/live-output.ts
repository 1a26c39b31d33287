import type { LogChunkView } from '@fog/contract'
import { concat, toHex, utf8 } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'

export type StreamName = 'stdout' | 'stderr'
type Write = (bytes: Uint8Array) => Promise<void>

/** What a log cannot show as it was, stands in it as this. */
const REPLACED = '\ufffd'

/**
 * Shows what a program prints while it runs, so that in the end exactly its output was written: of the live log only what
 * must be a beginning of it, and then the rest of the real output. Attempts may be several: what one has shown, the next
 * passes over.
 */
export class LiveOutput {
  readonly #write: Readonly<Record<StreamName, Write>>
  readonly #shown: Readonly<Record<StreamName, Shown>>
  readonly #attempts = new Map<string, Attempt>()

  constructor(write: Readonly<Record<StreamName, Write>>) {
    this.#write = write
    this.#shown = { stdout: new Shown(), stderr: new Shown() }
  }

  /** Shows of a chunk what is new. A gap in an attempt's log, or a word of the platform's own, ends what it can show. */
  async take({ attemptId, sequence, stream, text }: LogChunkView): Promise<void> {
    const attempt = this.#attempts.get(attemptId) ?? new Attempt()
    this.#attempts.set(attemptId, attempt)
    const fresh = attempt.take(sequence, stream, text, this.#shown)
    if (fresh.length === 0 || stream === 'system') return
    this.#shown[stream].add(fresh)
    await this.#write[stream](fresh)
  }

  /** Writes what is left of the real output. Answers false when what was shown is no beginning of it. */
  async complete(stream: StreamName, whole: AsyncIterable<Uint8Array>): Promise<boolean> {
    const shown = this.#shown[stream]
    const begun = sha256Stream()
    let left = shown.bytes
    for await (const part of whole) {
      const known = part.subarray(0, Math.min(left, part.length))
      if (known.length > 0) {
        begun.update(known)
        left -= known.length
        if (left > 0) continue
        if (!shown.isDigest(begun.digest())) return false
      }
      if (part.length > known.length) await this.#write[stream](part.subarray(known.length))
    }
    return left === 0
  }
}

/** What was written of one stream: how much, and its hash. */
class Shown {
  bytes = 0
  readonly #hash = sha256Stream()
  #digest: string | undefined

  add(part: Uint8Array): void {
    this.bytes += part.length
    this.#hash.update(part)
  }

  isDigest(digest: Uint8Array): boolean {
    this.#digest ??= toHex(this.#hash.digest())
    return this.#digest === toHex(digest)
  }
}

/** One attempt's log as it comes. */
class Attempt {
  #next = 0
  #isBroken = false
  readonly #ended = new Set<string>()
  readonly #bytes = { stdout: 0, stderr: 0 }

  /** The bytes nobody has shown yet. */
  take(
    sequence: number,
    stream: LogChunkView['stream'],
    text: string,
    shown: Readonly<Record<StreamName, { readonly bytes: number }>>,
  ): Uint8Array {
    this.#isBroken ||= sequence !== this.#next || stream === 'system'
    this.#next = sequence + 1
    if (this.#isBroken || stream === 'system' || this.#ended.has(stream)) return new Uint8Array()
    const end = text.indexOf(REPLACED)
    if (end !== -1) this.#ended.add(stream)
    const bytes = utf8(end === -1 ? text : text.slice(0, end))
    const from = this.#bytes[stream]
    this.#bytes[stream] += bytes.length
    return bytes.subarray(Math.max(0, Math.min(bytes.length, shown[stream].bytes - from)))
  }
}

/** A stream of bytes as one array, up to a size. Undefined when it is longer. */
export async function gather(whole: AsyncIterable<Uint8Array>, mostBytes: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of whole) {
    bytes += part.length
    if (bytes > mostBytes) return undefined
    parts.push(part)
  }
  return concat(...parts)
}
