/** Reads pictures as programs write them most simply: Netpbm, its plain and raw forms (netpbm.sourceforge.net/doc/ppm.html). */

export interface Picture {
  readonly width: number
  readonly height: number
  /** Four bytes a pixel, as a canvas takes them. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>
  /** Lines of comment in the header, without the `#`. */
  readonly comments: readonly string[]
}

export class PictureError extends Error {
  override readonly name = 'PictureError'
}

/** Keeps a hostile header from asking for gigabytes. */
const MAX_PIXELS = 64 * 1024 * 1024

const KINDS: Readonly<Record<string, { channels: 1 | 3; raw: boolean; bitmap: boolean }>> = {
  P1: { channels: 1, raw: false, bitmap: true },
  P2: { channels: 1, raw: false, bitmap: false },
  P3: { channels: 3, raw: false, bitmap: false },
  P4: { channels: 1, raw: true, bitmap: true },
  P5: { channels: 1, raw: true, bitmap: false },
  P6: { channels: 3, raw: true, bitmap: false },
}

/** Whether the bytes begin as a Netpbm picture does. */
export function isNetpbm(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] !== undefined && bytes[1] >= 0x31 && bytes[1] <= 0x36 && isSpace(bytes[2])
}

/** Decodes PBM, PGM or PPM. Throws `PictureError` saying what is wrong with the bytes. */
export function decodeNetpbm(bytes: Uint8Array): Picture {
  const kind = KINDS[String.fromCharCode(bytes[0] ?? 0, bytes[1] ?? 0)]
  if (!kind) throw new PictureError('This is not a Netpbm picture.')
  const reader = new Reader(bytes, 2)
  const width = reader.number('width')
  const height = reader.number('height')
  const top = kind.bitmap ? 1 : reader.number('largest value')
  if (width < 1 || height < 1) throw new PictureError('The picture has no pixels.')
  if (width * height > MAX_PIXELS)
    throw new PictureError(`The picture is too large to show: ${width} × ${height} pixels.`)
  if (top < 1 || top > 65_535) throw new PictureError(`The largest value of a pixel is ${top}; it may be 1 to 65535.`)
  const samples = kind.raw ? rawSamples(reader, kind, width, height, top) : plainSamples(reader, kind, width * height)
  return { width, height, rgba: toRgba(samples, kind, width * height, top), comments: reader.comments }
}

type Kind = (typeof KINDS)[string]

function rawSamples(reader: Reader, kind: Kind, width: number, height: number, top: number): Samples {
  // Exactly one white-space byte ends the header; what follows is data, whatever it looks like.
  const data = reader.rest()
  if (kind.bitmap) {
    const perLine = Math.ceil(width / 8)
    need(data, perLine * height)
    return { length: width * height, at: (i) => bitAt(data, Math.floor(i / width) * perLine, i % width) }
  }
  const length = width * height * kind.channels
  if (top < 256) {
    need(data, length)
    return { length, at: (i) => data[i]! }
  }
  need(data, length * 2)
  return { length, at: (i) => (data[2 * i]! << 8) | data[2 * i + 1]! }
}

interface Samples {
  readonly length: number
  readonly at: (index: number) => number
}

function bitAt(data: Uint8Array, lineStart: number, column: number): number {
  return (data[lineStart + (column >> 3)]! >> (7 - (column & 7))) & 1
}

function need(data: Uint8Array, bytes: number): void {
  if (data.length < bytes) throw new PictureError(`The picture is cut off: ${data.length} of ${bytes} bytes are there.`)
}

function plainSamples(reader: Reader, kind: Kind, pixels: number): Samples {
  const values = new Uint16Array(pixels * kind.channels)
  for (let i = 0; i < values.length; i++) values[i] = kind.bitmap ? reader.digit() : reader.number('pixel')
  return { length: values.length, at: (i) => values[i]! }
}

function toRgba(samples: Samples, kind: Kind, pixels: number, top: number): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(pixels * 4)
  const scale = 255 / top
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const sample = samples.at(kind.channels === 3 ? pixel * 3 + channel : pixel)
      // In a bitmap 1 is black.
      rgba[pixel * 4 + channel] = kind.bitmap ? 255 - 255 * sample : sample * scale
    }
    rgba[pixel * 4 + 3] = 255
  }
  return rgba
}

class Reader {
  readonly #bytes: Uint8Array
  #at: number
  readonly comments: string[] = []

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  number(what: string): number {
    this.#skipSpace()
    const start = this.#at
    let value = 0
    while (isDigit(this.#bytes[this.#at]) && value < 1e9) value = value * 10 + this.#bytes[this.#at++]! - 0x30
    if (this.#at === start) throw new PictureError(`The picture is cut off or damaged: its ${what} is missing.`)
    return value
  }

  /** One 0 or 1 of a plain bitmap; white space between them is free. */
  digit(): number {
    this.#skipSpace()
    const byte = this.#bytes[this.#at++]
    if (byte !== 0x30 && byte !== 0x31)
      throw new PictureError('The picture is cut off or damaged: a pixel is neither 0 nor 1.')
    return byte - 0x30
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at + 1)
  }

  #skipSpace(): void {
    for (;;) {
      while (isSpace(this.#bytes[this.#at])) this.#at += 1
      if (this.#bytes[this.#at] !== 0x23) return
      this.#skipComment()
    }
  }

  #skipComment(): void {
    const start = this.#at + 1
    while (this.#at < this.#bytes.length && this.#bytes[this.#at] !== 0x0a) this.#at += 1
    this.comments.push(new TextDecoder().decode(this.#bytes.subarray(start, this.#at)).trim())
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d)
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}
