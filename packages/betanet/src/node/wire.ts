import { connect, Socket, type SocketConstructorOpts } from 'node:net'

const READ_BYTES = 64 * 1024

/** What is read lies here until the next read of any socket of this thread, and is taken before that. */
const read = Buffer.from(new ArrayBuffer(READ_BYTES))

/**
 * A TCP connection that reads into one buffer for all of a thread's connections, instead of a fresh one each time: under load
 * those cost a twentieth of all work in garbage collection (docs/decisions/link-reads.md).
 */
export interface Wire {
  readonly socket: Socket
  /** Says who gets the bytes, which are valid only during the call. */
  onBytes(take: (bytes: Uint8Array) => void): void
}

export function connectWire({ host, port }: { readonly host: string; readonly port: number }): Wire {
  const { onread, onBytes } = newReading()
  return { socket: connect({ host, port, onread }), onBytes }
}

/** Takes over an accepted connection that was paused at once. Node lets only those who connect say where to read to. */
export function adoptWire(accepted: Socket): Wire {
  const { onread, onBytes } = newReading()
  const holder = accepted as unknown as { _handle: unknown }
  const options = { handle: holder._handle, onread, readable: true, writable: true }
  holder._handle = null
  return { socket: new Socket(options as SocketConstructorOpts), onBytes }
}

function newReading() {
  let take: (bytes: Uint8Array) => void = () => undefined
  const callback = (bytes: number) => {
    take(read.subarray(0, bytes))
    return true
  }
  return { onread: { buffer: read, callback }, onBytes: (to: typeof take) => void (take = to) }
}
