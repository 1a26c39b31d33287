const CHUNK_BYTES = 64 * 1024
const SMALLEST_BYTES = 256

/**
 * A file's content in chunks, so that it grows without being copied and a hole takes no memory. Bytes it was given are
 * read where they are and copied, a chunk at a time, when they are first written to.
 */
export class FileBytes {
  readonly #chunks: (Chunk | undefined)[] = []
  #size = 0

  constructor(given: Uint8Array = new Uint8Array()) {
    this.#size = given.length
    for (let at = 0; at < given.length; at += CHUNK_BYTES) {
      this.#chunks.push({ bytes: given.subarray(at, at + CHUNK_BYTES), isOurs: false })
    }
  }

  get size(): number {
    return this.#size
  }

  /** Fills `into` from `at` on and says how many bytes there were. */
  read(at: number, into: Uint8Array): number {
    const length = Math.max(0, Math.min(into.length, this.#size - at))
    for (let done = 0; done < length;) {
      const { index, offset, run } = place(at + done, length - done)
      const target = into.subarray(done, done + run)
      const source = this.#chunks[index]?.bytes.subarray(offset, offset + run)
      if (source) target.set(source)
      // Past a chunk's bytes, but within the file, lie zeros that were never written.
      if ((source?.length ?? 0) < run) target.fill(0, source?.length ?? 0)
      done += run
    }
    return length
  }

  /** Writes at `at`, growing the file as needed. */
  write(at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const { index, offset, run } = place(at + done, bytes.length - done)
      this.#writable(index, offset + run).set(bytes.subarray(done, done + run), offset)
      done += run
    }
    if (bytes.length > 0) this.#size = Math.max(this.#size, at + bytes.length)
  }

  /** Cuts the file, or lengthens it with zeros. */
  resize(size: number): void {
    if (size < this.#size) this.#cut(size)
    this.#size = size
  }

  /** A copy of the whole content. */
  toBytes(): Uint8Array {
    const whole = new Uint8Array(this.#size)
    this.read(0, whole)
    return whole
  }

  /** The content as it is now, without a copy: whatever is written to afterwards is copied first. */
  snapshot(): FileBytes {
    this.#chunks.forEach((chunk, index) => {
      if (chunk?.isOurs) this.#chunks[index] = { bytes: chunk.bytes, isOurs: false }
    })
    const kept = new FileBytes()
    for (const chunk of this.#chunks) kept.#chunks.push(chunk)
    kept.#size = this.#size
    return kept
  }

  #cut(size: number): void {
    const { index, offset } = place(size, 1)
    this.#chunks.length = Math.min(this.#chunks.length, offset === 0 ? index : index + 1)
    const last = this.#chunks[index]
    // What is cut off must read as zeros when the file grows again.
    if (last?.isOurs) last.bytes.fill(0, offset)
    else if (last) this.#chunks[index] = { bytes: last.bytes.subarray(0, offset), isOurs: false }
  }

  #writable(index: number, needed: number): Uint8Array {
    const chunk = this.#chunks[index]
    if (chunk?.isOurs && chunk.bytes.length >= needed) return chunk.bytes
    const doubled = Math.max(SMALLEST_BYTES, needed, (chunk?.bytes.length ?? 0) * 2)
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, doubled))
    if (chunk) bytes.set(chunk.bytes)
    this.#chunks[index] = { bytes, isOurs: true }
    return bytes
  }
}

interface Chunk {
  readonly bytes: Uint8Array
  readonly isOurs: boolean
}

function place(at: number, length: number): { index: number; offset: number; run: number } {
  const index = Math.floor(at / CHUNK_BYTES)
  const offset = at - index * CHUNK_BYTES
  return { index, offset, run: Math.min(length, CHUNK_BYTES - offset) }
}
