import { MAX_NOISE_MESSAGE_BYTES } from '@fog/kernel'
import { LinkError } from './link-error.ts'

/** A frame: its length in two bytes, big-endian, then so many bytes. */
export const FRAME_HEAD_BYTES = 2
/** No frame is shorter than the tag it ends with. */
const SHORTEST_BODY_BYTES = 16

/** Finds the frames in a stream of bytes. Copies only a frame that came in several pieces. */
export class FrameReader {
  readonly #pieces: Uint8Array[] = []
  readonly #joined = new Uint8Array(MAX_NOISE_MESSAGE_BYTES)
  /** Read up to here in the first piece. */
  #at = 0
  #buffered = 0

  /** Bytes that came and were not read. */
  get buffered(): number {
    return this.#buffered
  }

  /** Keeps the piece until its frames are read. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#buffered += piece.length
  }

  /** The body of the next whole frame, valid until the next call; undefined until more comes. Throws `link.frame_invalid`. */
  next(): Uint8Array | undefined {
    if (this.#buffered < FRAME_HEAD_BYTES) return undefined
    const length = (this.#byteAt(0) << 8) | this.#byteAt(1)
    if (length < SHORTEST_BODY_BYTES) throw new LinkError({ code: 'link.frame_invalid', bytes: length })
    if (this.#buffered < FRAME_HEAD_BYTES + length) return undefined
    this.#skip(FRAME_HEAD_BYTES)
    const first = this.#pieces[0]!
    if (first.length - this.#at >= length) {
      const body = first.subarray(this.#at, this.#at + length)
      this.#skip(length)
      return body
    }
    return this.#join(length)
  }

  #join(length: number): Uint8Array {
    for (let filled = 0; filled < length;) {
      const part = this.#pieces[0]!.subarray(this.#at, this.#at + length - filled)
      this.#joined.set(part, filled)
      filled += part.length
      this.#skip(part.length)
    }
    return this.#joined.subarray(0, length)
  }

  #byteAt(offset: number): number {
    let at = this.#at + offset
    for (const piece of this.#pieces) {
      if (at < piece.length) return piece[at]!
      at -= piece.length
    }
    return 0
  }

  #skip(bytes: number): void {
    this.#buffered -= bytes
    this.#at += bytes
    while (this.#pieces.length > 0 && this.#at >= this.#pieces[0]!.length) {
      this.#at -= this.#pieces[0]!.length
      this.#pieces.shift()
    }
  }
}
