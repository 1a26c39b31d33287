import { MAX_NOISE_MESSAGE_BYTES } from '@fog/kernel'
import { CHUNK_BYTES, giveChunk, takeChunk } from './chunks.ts'
import { LinkError } from './link-error.ts'

/** A frame: its length in two bytes, big-endian, then so many bytes. */
export const FRAME_HEAD_BYTES = 2
/** No frame is shorter than the tag it ends with. */
const SHORTEST_BODY_BYTES = 16

interface Part {
  readonly chunk: Uint8Array
  /** Bytes of the chunk that hold something. */
  filled: number
}

/** Finds the frames in a stream of bytes. Idle it holds no memory but that of one joined frame. */
export class FrameReader {
  readonly #parts: Part[] = []
  readonly #joined = new Uint8Array(MAX_NOISE_MESSAGE_BYTES)
  /** Read up to here in the first part. */
  #at = 0
  #buffered = 0

  /** Bytes that came and were not read. */
  get buffered(): number {
    return this.#buffered
  }

  /** Keeps a copy of the piece until its frames are read. */
  push(piece: Uint8Array): void {
    for (let from = 0; from < piece.length;) {
      const part = this.#partWithRoom()
      const taken = Math.min(piece.length - from, CHUNK_BYTES - part.filled)
      part.chunk.set(taken === piece.length ? piece : piece.subarray(from, from + taken), part.filled)
      part.filled += taken
      from += taken
    }
    this.#buffered += piece.length
  }

  /**
   * The body of the next whole frame, valid until bytes are pushed to any reader; undefined until more comes. Throws
   * `link.frame_invalid`.
   */
  next(): Uint8Array | undefined {
    if (this.#buffered < FRAME_HEAD_BYTES) return undefined
    const length = (this.#byteAt(0) << 8) | this.#byteAt(1)
    if (length < SHORTEST_BODY_BYTES) throw new LinkError({ code: 'link.frame_invalid', bytes: length })
    if (this.#buffered < FRAME_HEAD_BYTES + length) return undefined
    this.#skip(FRAME_HEAD_BYTES)
    const first = this.#parts[0]!
    if (first.filled - this.#at >= length) {
      const body = first.chunk.subarray(this.#at, this.#at + length)
      this.#skip(length)
      return body
    }
    return this.#join(length)
  }

  /** Forgets what was not read. */
  clear(): void {
    this.#skip(this.#buffered)
  }

  #partWithRoom(): Part {
    const last = this.#parts.at(-1)
    if (last && last.filled < CHUNK_BYTES) return last
    const part = { chunk: takeChunk(), filled: 0 }
    this.#parts.push(part)
    return part
  }

  #join(length: number): Uint8Array {
    for (let filled = 0; filled < length;) {
      const first = this.#parts[0]!
      const part = first.chunk.subarray(this.#at, Math.min(first.filled, this.#at + length - filled))
      this.#joined.set(part, filled)
      filled += part.length
      this.#skip(part.length)
    }
    return this.#joined.subarray(0, length)
  }

  #byteAt(offset: number): number {
    let at = this.#at + offset
    for (const { chunk, filled } of this.#parts) {
      if (at < filled) return chunk[at]!
      at -= filled
    }
    return 0
  }

  #skip(bytes: number): void {
    this.#buffered -= bytes
    this.#at += bytes
    while (this.#parts.length > 0 && this.#at >= this.#parts[0]!.filled) {
      this.#at -= this.#parts[0]!.filled
      giveChunk(this.#parts.shift()!.chunk)
    }
  }
}
