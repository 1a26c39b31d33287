/**
 * How the worker and a child speak: frames on one socket. A frame is a length (u32, little endian), the length of its
 * head, the head as JSON, then the bytes of its parts one after the other.
 *
 * The child runs what strangers sent, so its frames are read with care: each is bounded before anything is kept.
 */

/** Parts are cut so that a frame stays well below this. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024
/** Content is sent in pieces of this size. */
export const PIECE_BYTES = 1024 * 1024

const PREFIX_BYTES = 8

export interface Frame {
  readonly message: unknown
  readonly parts: readonly Uint8Array[]
}

export class FrameFault extends Error {
  override readonly name = 'FrameFault'
}

export function encodeFrame(message: object, parts: readonly Uint8Array[] = []): Buffer[] {
  const head = Buffer.from(JSON.stringify({ message, sizes: parts.map((part) => part.length) }))
  const total = parts.reduce((sum, part) => sum + part.length, head.length)
  if (total > MAX_FRAME_BYTES) throw new FrameFault(`a frame of ${total} bytes is too large`)
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32LE(total, 0)
  prefix.writeUInt32LE(head.length, 4)
  return [prefix, head, ...parts.map(asBuffer)]
}

/** Cuts a stream of bytes into frames. Throws `FrameFault` for what is none; nothing may be read after that. */
export class FrameReader {
  #chunks: Buffer[] = []
  #bytes = 0

  /** Bytes of a frame that is not whole yet. */
  get waitingBytes(): number {
    return this.#bytes
  }

  /** The frames that are whole with this chunk. Their parts share its memory. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= PREFIX_BYTES) {
      const prefix = this.#peek(PREFIX_BYTES)
      const total = prefix.readUInt32LE(0)
      if (total > MAX_FRAME_BYTES) throw new FrameFault(`a frame of ${total} bytes is too large`)
      if (this.#bytes < PREFIX_BYTES + total) return
      const whole = this.#take(PREFIX_BYTES + total)
      yield decode(whole.subarray(PREFIX_BYTES), whole.readUInt32LE(4))
    }
  }

  #peek(length: number): Buffer {
    const first = this.#chunks[0]!
    if (first.length >= length) return first
    return this.#joined()
  }

  #take(length: number): Buffer {
    const first = this.#chunks[0]!
    const source = first.length >= length ? first : this.#joined()
    const rest = source.subarray(length)
    if (rest.length > 0) this.#chunks[0] = rest
    else this.#chunks.shift()
    this.#bytes -= length
    return source.subarray(0, length)
  }

  #joined(): Buffer {
    const whole = Buffer.concat(this.#chunks)
    this.#chunks = [whole]
    return whole
  }
}

function decode(body: Buffer, headBytes: number): Frame {
  if (headBytes > body.length) throw new FrameFault('the head of a frame is longer than the frame')
  const { message, sizes } = parseHead(body.subarray(0, headBytes))
  const parts: Uint8Array[] = []
  let at = headBytes
  for (const size of sizes) {
    if (!Number.isInteger(size) || size < 0 || at + size > body.length) throw new FrameFault('a part leaves its frame')
    parts.push(body.subarray(at, at + size))
    at += size
  }
  if (at !== body.length) throw new FrameFault('a frame has bytes of no part')
  return { message, parts }
}

function parseHead(bytes: Buffer): { message: unknown; sizes: number[] } {
  try {
    const head = JSON.parse(bytes.toString('utf8')) as { message?: unknown; sizes?: unknown }
    if (Array.isArray(head.sizes)) return { message: head.message, sizes: head.sizes as number[] }
  } catch {
    // Said below, as for any other head that is none.
  }
  throw new FrameFault('the head of a frame cannot be read')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
