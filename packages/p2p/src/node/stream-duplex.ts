import { Duplex } from 'node:stream'
import type { ByteStream } from '../streams/index.ts'

/** What a stream is read and written by in steps of. */
const HIGH_WATER_BYTES = 64 * 1024

/**
 * A stream of bytes between peers as a connection of Node: what takes a socket, such as an HTTP server, takes this. Its end is half
 * of one: the other direction goes on. `destroy` breaks the stream off.
 */
export class StreamDuplex extends Duplex {
  readonly stream: ByteStream
  /** Where sockets have the address of the other end: who it is, as limits and logs should know it. */
  readonly remoteAddress: string
  #isReading = false
  #timeoutMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(stream: ByteStream, { remoteAddress = stream.peer }: { readonly remoteAddress?: string } = {}) {
    super({ allowHalfOpen: true, highWaterMark: HIGH_WATER_BYTES })
    this.stream = stream
    this.remoteAddress = remoteAddress
  }

  override _read(): void {
    if (this.#isReading) return
    this.#isReading = true
    this.stream.read().then(
      (bytes) => {
        this.#isReading = false
        this.#moved()
        this.push(bytes ?? null)
      },
      (fault: unknown) => this.#failed(fault),
    )
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (fault?: Error | null) => void): void {
    // The writer may use its buffer for something else as soon as it is told of it.
    this.#write(Uint8Array.from(chunk), done)
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (fault?: Error | null) => void,
  ): void {
    this.#write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  /** Done when the other end has all that was written. */
  override _final(done: (fault?: Error | null) => void): void {
    void this.#settle(this.stream.end(), done)
  }

  override _destroy(fault: Error | null, done: (fault?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.stream.cancel()
    done(fault)
  }

  /** As sockets do: says `timeout` when nothing came or went for so long; 0 never. */
  setTimeout(ms: number, listener?: () => void): this {
    this.#timeoutMs = ms
    if (listener) {
      if (ms === 0) this.off('timeout', listener)
      else this.once('timeout', listener)
    }
    this.#moved()
    return this
  }

  get timeout(): number {
    return this.#timeoutMs
  }

  /** Frames leave at the end of each turn as it is. */
  setNoDelay(): this {
    return this
  }

  /** Streams ask themselves whether the other end is there. */
  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  #write(bytes: Uint8Array, done: (fault?: Error | null) => void): void {
    this.#moved()
    void this.#settle(this.stream.write(bytes), done)
  }

  async #settle(work: Promise<void>, done: (fault?: Error | null) => void): Promise<void> {
    let fault: unknown
    await work.catch((thrown: unknown) => (fault = thrown))
    this.#moved()
    done(fault === undefined ? null : asError(fault))
  }

  #moved(): void {
    clearTimeout(this.#timer)
    if (this.#timeoutMs === 0 || this.destroyed) return
    this.#timer = setTimeout(() => this.emit('timeout'), this.#timeoutMs).unref()
  }

  #failed(fault: unknown): void {
    this.destroy(asError(fault))
  }
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault))
}
