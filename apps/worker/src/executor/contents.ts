import { PIECE_BYTES } from './frames.ts'

/** Takes the bytes of one content as they come. */
export interface ContentSink {
  write(bytes: Uint8Array): void | Promise<void>
}

/** Deals the bytes of several contents, sent one after the other, to the sink of each. */
export class ContentReceiver {
  readonly #sizes: readonly number[]
  readonly #sinks: readonly ContentSink[]
  #index = 0
  #at = 0

  constructor(sizes: readonly number[], sinks: readonly ContentSink[]) {
    this.#sizes = sizes
    this.#sinks = sinks
    this.#skipFull()
  }

  get isWhole(): boolean {
    return this.#index === this.#sizes.length
  }

  /** Throws when more comes than was announced. */
  async push(piece: Uint8Array): Promise<void> {
    let rest = piece
    while (rest.length > 0) {
      const size = this.#sizes[this.#index]
      if (size === undefined) throw new RangeError('more content came than was announced')
      const run = rest.subarray(0, size - this.#at)
      await this.#sinks[this.#index]!.write(run)
      this.#at += run.length
      rest = rest.subarray(run.length)
      this.#skipFull()
    }
  }

  #skipFull(): void {
    while (this.#index < this.#sizes.length && this.#at >= this.#sizes[this.#index]!) {
      this.#index++
      this.#at = 0
    }
  }
}

/** A sink in memory, of a size known before. */
export class MemorySink implements ContentSink {
  readonly bytes: Uint8Array<ArrayBuffer>
  #at = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }

  write(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }
}

/** Content in memory, cut into pieces. */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
