import type { StreamName } from './protocol.ts'

/**
 * What a program prints, on memory that two threads share: the one that computes writes and never waits, the supervisor
 * reads when it likes. It is as long as what may be shown live in one run, so nothing on it is ever overwritten.
 */
export class LogTape {
  readonly memory: SharedArrayBuffer
  readonly #written: Int32Array
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#written = new Int32Array(memory, 0, HEADER_BYTES / 4)
    this.#bytes = new Uint8Array(memory, HEADER_BYTES)
    this.#view = new DataView(memory, HEADER_BYTES)
  }

  static ofLength(bytes: number): LogTape {
    return new LogTape(new SharedArrayBuffer(HEADER_BYTES + bytes))
  }

  get isFull(): boolean {
    return Atomics.load(this.#written, FULL) === 1
  }

  /** Before each run, while nobody writes. */
  clear(): void {
    Atomics.store(this.#written, LENGTH, 0)
    Atomics.store(this.#written, FULL, 0)
  }

  /** Keeps as much as there is room for. */
  write(stream: StreamName, bytes: Uint8Array): void {
    if (this.isFull) return
    const at = Atomics.load(this.#written, LENGTH)
    const room = this.#bytes.length - at - RECORD_BYTES
    const kept = Math.min(bytes.length, Math.max(0, room))
    if (kept < bytes.length) Atomics.store(this.#written, FULL, 1)
    if (kept === 0) return
    this.#view.setUint32(at, kept * 2 + (stream === 'stderr' ? 1 : 0))
    this.#bytes.set(bytes.subarray(0, kept), at + RECORD_BYTES)
    // Published last: the reader sees whole records only.
    Atomics.store(this.#written, LENGTH, at + RECORD_BYTES + kept)
  }

  /** What was written from `from` on, one entry per run of the same stream, and where to go on. */
  read(from: number): { readonly entries: readonly LogEntry[]; readonly next: number } {
    const end = Atomics.load(this.#written, LENGTH)
    const entries: { stream: StreamName; parts: Uint8Array[] }[] = []
    let at = from
    while (at < end) {
      const head = this.#view.getUint32(at)
      const stream: StreamName = head % 2 === 1 ? 'stderr' : 'stdout'
      const length = Math.floor(head / 2)
      const part = this.#bytes.slice(at + RECORD_BYTES, at + RECORD_BYTES + length)
      const last = entries.at(-1)
      if (last?.stream === stream) last.parts.push(part)
      else entries.push({ stream, parts: [part] })
      at += RECORD_BYTES + length
    }
    return { entries, next: at }
  }
}

export interface LogEntry {
  readonly stream: StreamName
  readonly parts: readonly Uint8Array[]
}

const HEADER_BYTES = 8
const LENGTH = 0
const FULL = 1
const RECORD_BYTES = 4
