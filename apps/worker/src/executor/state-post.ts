import type { MessagePort } from 'node:worker_threads'
import type { StateSnapshot } from '@fog/idle'
import { utf8 } from '@fog/kernel'

/** What the computing thread tells its supervisor of a checkpoint. */
export interface PostedState {
  readonly type: 'state'
  readonly version: number
  readonly fuel: string
  readonly files: readonly { readonly path: string; readonly version: number; readonly bytes?: Uint8Array }[]
  readonly refusal?: string
}

export interface StatePostLimits {
  readonly bytes: number
  readonly files: number
  readonly pathBytes: number
}

/**
 * Hands checkpoints from the thread that computes to its supervisor, each changed file once. One is under way at a time: a
 * program that renames faster than they are taken waits, so that they cannot pile up in memory.
 */
export class StatePost {
  readonly #port: Pick<MessagePort, 'postMessage'>
  readonly #limits: StatePostLimits
  readonly #taken: Int32Array
  #sent: number
  #postedVersion = 0

  /** `memory` is that of the supervisor's count of what it took. */
  constructor(port: Pick<MessagePort, 'postMessage'>, memory: SharedArrayBuffer, limits: StatePostLimits) {
    this.#port = port
    this.#limits = limits
    this.#taken = new Int32Array(memory)
    this.#sent = Atomics.load(this.#taken, 0)
  }

  post(snapshot: StateSnapshot): void {
    this.#waitUntilTaken()
    const { version } = snapshot
    const fuel = String(snapshot.fuelUsed)
    const refusal = this.#refusalOf(snapshot)
    if (refusal !== undefined) return this.#send({ type: 'state', version, fuel, files: [], refusal }, [])
    const files = snapshot.files.map((file) => {
      const { path } = file
      if (file.version <= this.#postedVersion) return { path, version: file.version }
      return { path, version: file.version, bytes: file.bytes() }
    })
    this.#postedVersion = version
    const buffers = files.flatMap(({ bytes }) => (bytes ? [bytes.buffer as ArrayBuffer] : []))
    this.#send({ type: 'state', version, fuel, files }, buffers)
  }

  #send(posted: PostedState, buffers: ArrayBuffer[]): void {
    this.#sent = (this.#sent + 1) | 0
    this.#port.postMessage(posted, buffers)
  }

  #waitUntilTaken(): void {
    for (let taken = Atomics.load(this.#taken, 0); taken !== this.#sent; taken = Atomics.load(this.#taken, 0)) {
      Atomics.wait(this.#taken, 0, taken)
    }
  }

  #refusalOf({ files, size }: StateSnapshot): string | undefined {
    const { bytes, files: most, pathBytes } = this.#limits
    if (size > bytes) return `it has ${size} bytes, and ${bytes} may be kept`
    if (files.length > most) return `it has ${files.length} files, and ${most} may be kept`
    const longest = Math.max(0, ...files.map(({ path }) => utf8(path).length))
    return longest > pathBytes ? `a file in it has a name of ${longest} bytes` : undefined
  }
}
