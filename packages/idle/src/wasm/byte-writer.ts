/** Writes the binary format into a buffer that doubles. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  u8(...values: readonly number[]): this {
    this.#reserve(values.length)
    for (const value of values) this.#bytes[this.#length++] = value
    return this
  }

  /** Unsigned LEB128. */
  u32(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }

  /** Signed LEB128 of a safe integer that is not negative. */
  positive(value: number): this {
    let rest = value
    while (rest >= 0x40) {
      this.u8((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** The bytes of `from` in [start, end). */
  copy(from: Uint8Array, start: number, end: number): this {
    if (end - start > 32) return this.raw(from.subarray(start, end))
    this.#reserve(end - start)
    for (let i = start; i < end; i++) this.#bytes[this.#length++] = from[i]!
    return this
  }

  append(other: ByteWriter): this {
    return this.copy(other.#bytes, 0, other.#length)
  }

  clear(): void {
    this.#length = 0
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text)
    return this.u32(bytes.length).raw(bytes)
  }

  section(id: number, content: Uint8Array): this {
    return this.u8(id).u32(content.length).raw(content)
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
