import { ProgramError } from './program-error.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the binary format (WebAssembly core 2.0, chapter 5) and never past its end: it refuses instead. */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  get isDone(): boolean {
    return this.at >= this.end
  }

  u8(): number {
    if (this.at >= this.end) this.refuse('it ends too early')
    return this.bytes[this.at++]!
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      if (shift === 28 && byte > 0x0f) this.refuse('a number is too large')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return this.refuse('a number is too long')
  }

  /** Passes over a signed LEB128 of at most `maxBytes` bytes. */
  skipSigned(maxBytes: number): void {
    for (let i = 0; i < maxBytes; i++) if (this.u8() < 0x80) return
    this.refuse('a number is too long')
  }

  /** A signed LEB128 of 33 bits, as block types are written. */
  s33(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value
    }
    return this.refuse('a number is too long')
  }

  skip(length: number): void {
    if (length > this.end - this.at) this.refuse('it ends too early')
    this.at += length
  }

  name(): string {
    const length = this.u32()
    const start = this.at
    this.skip(length)
    try {
      return decoder.decode(this.bytes.subarray(start, this.at))
    } catch {
      return this.refuse('a name is not UTF-8')
    }
  }

  /** The count of a list whose items take at least one byte each, so that a false count cannot make us wait. */
  count(what: string, limit: number): number {
    const count = this.u32()
    if (count > limit) throw new ProgramError({ code: 'program.too_large', what, size: count, limit })
    if (count > this.end - this.at) this.refuse(`it has fewer ${what} than it says`)
    return count
  }

  /** A reader of the next `length` bytes, which this one passes over. */
  part(length: number): ByteReader {
    const start = this.at
    this.skip(length)
    return new ByteReader(this.bytes, start, this.at)
  }

  refuse(reason: string): never {
    throw new ProgramError({ code: 'program.malformed', reason, at: this.at })
  }
}
