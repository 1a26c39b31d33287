import { concat } from '@fog/kernel'
import { FIRST_WINDOW_BYTES } from './stream-options.ts'

/** Bytes on their way, at their place. */
export interface Part {
  readonly offset: number
  readonly bytes: Uint8Array
  readonly isEnd: boolean
}

/** The half of a stream that goes: what was written and not sent yet, within what the other end takes. */
export class OutgoingBytes {
  readonly #waiting: Uint8Array[] = []
  #unsentBytes = 0
  #sentTo = 0
  #limit = FIRST_WINDOW_BYTES
  #isEnding = false
  #isEndSent = false

  get unsentBytes(): number {
    return this.#unsentBytes
  }

  /** Whether `end` was called. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Whether all there will ever be was handed out. */
  get isAllSent(): boolean {
    return this.#isEndSent
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#waiting.push(bytes)
    this.#unsentBytes += bytes.length
  }

  end(): void {
    this.#isEnding = true
  }

  /** The other end takes bytes up to there. */
  allow(limit: number): void {
    this.#limit = Math.max(this.#limit, limit)
  }

  /** What to send next, of at most so many bytes; less than `least` only when the stream ends with it. */
  next(most: number, least: number): Part | undefined {
    if (this.#isEndSent) return undefined
    const size = Math.min(most, this.#unsentBytes, this.#limit - this.#sentTo)
    const isEnd = this.#isEnding && size === this.#unsentBytes
    const isEnough = size > 0 && (size >= least || (this.#isEnding && size === this.#unsentBytes))
    if (!isEnough && !isEnd) return undefined
    const offset = this.#sentTo
    const bytes = this.#shift(size)
    this.#sentTo += size
    this.#isEndSent = isEnd
    return { offset, bytes, isEnd }
  }

  drop(): void {
    this.#waiting.length = 0
    this.#unsentBytes = 0
  }

  #shift(size: number): Uint8Array {
    const parts: Uint8Array[] = []
    for (let left = size; left > 0;) {
      const first = this.#waiting[0]!
      const part = first.length <= left ? first : first.subarray(0, left)
      if (first.length <= left) this.#waiting.shift()
      else this.#waiting[0] = first.subarray(left)
      parts.push(part)
      left -= part.length
    }
    this.#unsentBytes -= size
    return concat(...parts)
  }
}
