import { utf8 } from '@fog/kernel'

/** Takes bytes of stdout or stderr as they come; they are its to keep. */
export type StreamSink = (bytes: Uint8Array) => void

/** Keeps what a program prints up to a limit; then says so once and lets the rest go, so that the task can go on. */
export class OutputStream {
  readonly #name: string
  readonly #limitBytes: number
  readonly #sink: StreamSink | undefined
  readonly #parts: Uint8Array[] = []
  #keptBytes = 0
  #isCut = false

  constructor(name: string, limitBytes: number, sink: StreamSink | undefined) {
    this.#name = name
    this.#limitBytes = limitBytes
    this.#sink = sink
  }

  get isCut(): boolean {
    return this.#isCut
  }

  /** Copies what it keeps. */
  write(bytes: Uint8Array): void {
    const room = this.#limitBytes - this.#keptBytes
    if (room > 0 && bytes.length > 0) this.#keep(bytes.slice(0, room))
    if (bytes.length <= room || this.#isCut) return
    this.#isCut = true
    this.#keep(utf8(`\n[fog] ${this.#name} was cut here: more than ${this.#limitBytes} bytes\n`))
  }

  toBytes(): Uint8Array {
    const whole = new Uint8Array(this.#keptBytes)
    let at = 0
    for (const part of this.#parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  #keep(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.#keptBytes += bytes.length
    this.#sink?.(bytes)
  }
}
