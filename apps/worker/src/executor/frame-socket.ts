import type { Duplex } from 'node:stream'
import { encodeFrame, type Frame, FrameReader } from './frames.ts'

/** Frames in both directions over a socket; both ends use it. */
export class FrameSocket<Out extends object> {
  readonly #socket: Duplex

  constructor(socket: Duplex) {
    this.#socket = socket
    // A socket that ends is told by `frames`; an error besides would end the process.
    socket.on('error', () => undefined)
  }

  /** Resolves when there is room for more. A closed socket swallows it: whoever reads learns of the end. */
  async send(message: Out, parts: readonly Uint8Array[] = []): Promise<void> {
    const socket = this.#socket
    if (!socket.writable) return
    socket.cork()
    let isRoomy = true
    for (const buffer of encodeFrame(message, parts)) isRoomy = socket.write(buffer)
    socket.uncork()
    if (!isRoomy) await drained(socket)
  }

  /** Until the other end closes. Throws `FrameFault` for bytes that are no frames. */
  async *frames(): AsyncGenerator<Frame> {
    const reader = new FrameReader()
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) yield* reader.push(chunk)
    } catch (fault) {
      if (!isClosed(fault)) throw fault
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

function isClosed(fault: unknown): boolean {
  const code = (fault as NodeJS.ErrnoException).code ?? ''
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(code)
}
