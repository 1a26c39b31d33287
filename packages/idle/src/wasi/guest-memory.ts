import { ERRNO, refuse } from './errno.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const LONGEST_TEXT_BYTES = 64 * 1024

/**
 * The program's memory, none until it is attached. Every address is checked against its size as it is now; a wrong one
 * is EFAULT.
 */
export class GuestMemory {
  #memory: Pick<WebAssembly.Memory, 'buffer'> = { buffer: new ArrayBuffer(0) }
  #bytes = new Uint8Array()
  #view = new DataView(new ArrayBuffer(0))

  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength
  }

  /** A window into the memory, valid until the program runs again. */
  bytes(pointer: number, length: number): Uint8Array {
    const at = this.#checked(pointer, length >>> 0)
    return this.#bytes.subarray(at, at + (length >>> 0))
  }

  getU32(pointer: number): number {
    const at = this.#checked(pointer, 4)
    return this.#view.getUint32(at, true)
  }

  getU64(pointer: number): bigint {
    const at = this.#checked(pointer, 8)
    return this.#view.getBigUint64(at, true)
  }

  getU16(pointer: number): number {
    const at = this.#checked(pointer, 2)
    return this.#view.getUint16(at, true)
  }

  getU8(pointer: number): number {
    return this.#bytes[this.#checked(pointer, 1)]!
  }

  setU8(pointer: number, value: number): void {
    this.#bytes[this.#checked(pointer, 1)] = value
  }

  setU16(pointer: number, value: number): void {
    const at = this.#checked(pointer, 2)
    this.#view.setUint16(at, value, true)
  }

  setU32(pointer: number, value: number): void {
    const at = this.#checked(pointer, 4)
    this.#view.setUint32(at, value, true)
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.#checked(pointer, 8)
    this.#view.setBigUint64(at, value, true)
  }

  setBytes(pointer: number, bytes: Uint8Array): void {
    const at = this.#checked(pointer, bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Text as WASI passes it: UTF-8, without NUL, and no longer than any path may be. */
  text(pointer: number, length: number): string {
    if (length >>> 0 > LONGEST_TEXT_BYTES) refuse(ERRNO.nametoolong)
    const bytes = this.bytes(pointer, length)
    try {
      const text = strict.decode(bytes)
      return text.includes('\0') ? refuse(ERRNO.inval) : text
    } catch (fault) {
      if (fault instanceof TypeError) return refuse(ERRNO.ilseq)
      throw fault
    }
  }

  /** Makes sure that [pointer, pointer + length) lies inside, before anything is done for the caller. */
  check(pointer: number, length: number): void {
    this.#checked(pointer, length)
  }

  /** The address as a number that is not negative. Growth gives memory a new buffer, so the view is renewed here. */
  #checked(pointer: number, length: number): number {
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer)
      this.#view = new DataView(this.#memory.buffer)
    }
    const at = pointer >>> 0
    if (at + length > this.#bytes.length) refuse(ERRNO.fault)
    return at
  }
}
