import { assert } from '@fog/kernel'
import { piecesOf } from './contents.ts'
import type { FrameSocket } from './frame-socket.ts'
import { type FromChild, INLINE_CONTENT_BYTES, type StateMessage } from './protocol.ts'
import type { PostedState } from './state-post.ts'

interface KeptFile {
  readonly version: number
  /** Undefined for what the worker gave, and has. */
  readonly bytes: Uint8Array | undefined
}

/** The supervisor's side of checkpoints: holds the newest one of the run, and gives it to the worker when asked. */
export class StateKeeper {
  /** Counts what was taken; the computing thread waits on it. */
  readonly memory = new SharedArrayBuffer(4)
  readonly #taken = new Int32Array(this.memory)
  readonly #socket: FrameSocket<FromChild>
  #files = new Map<string, KeptFile>()
  #version = 0
  #fuel = '0'
  #refusal: string | undefined
  #seenVersion = 0
  #toldVersion = 0
  #run = 0
  #isOpen = false

  constructor(socket: FrameSocket<FromChild>) {
    this.#socket = socket
  }

  /** Before each run. */
  begin(): void {
    this.#files = new Map()
    this.#version = this.#seenVersion = this.#toldVersion = 0
    this.#refusal = undefined
    this.#run++
    this.#isOpen = true
  }

  /** The run has ended: what was not taken is not needed any more. */
  end(): void {
    this.#isOpen = false
    this.#files = new Map()
  }

  take({ version, fuel, files, refusal }: PostedState): void {
    this.#refusal = refusal
    if (refusal === undefined) {
      const kept = files.map((file) => [file.path, this.#kept(file)] as const)
      this.#files = new Map(kept)
      this.#fuel = fuel
      this.#version = version
    }
    this.#seenVersion = version
    Atomics.add(this.#taken, 0, 1)
    Atomics.notify(this.#taken, 0)
  }

  /** Says that there is something new, once for however many renames there were. */
  async tell(): Promise<void> {
    if (!this.#isOpen || this.#seenVersion === this.#toldVersion) return
    this.#toldVersion = this.#seenVersion
    const refusal = this.#refusal === undefined ? {} : { refusal: this.#refusal }
    await this.#socket.send({ type: 'state-changed', version: this.#seenVersion, ...refusal })
  }

  /** Counts the runs: what is asked of one is not answered by the next. */
  get run(): number {
    return this.#run
  }

  /** Gives the newest checkpoint of a run. Once that has ended nobody answers: its result says it all. */
  async give(since: number, run: number): Promise<void> {
    if (!this.#isOpen || run !== this.#run) return
    const files = [...this.#files]
    const contents = files.filter(([, file]) => file.version > since).map(([, { bytes }]) => bytes)
    const isWhole = (each: (Uint8Array | undefined)[]): each is Uint8Array[] => each.every((bytes) => bytes)
    assert(isWhole(contents), 'what has changed was posted')
    const sizes = contents.map(({ length }) => length)
    const listed = files.map(([path, { version }]) => ({ path, version }))
    const message: StateMessage = { type: 'state', version: this.#version, fuel: this.#fuel, files: listed, sizes }
    if (sizes.reduce((sum, size) => sum + size, 0) <= INLINE_CONTENT_BYTES) return this.#socket.send(message, contents)
    await this.#socket.send(message)
    for (const content of contents) {
      for (const piece of piecesOf(content)) await this.#socket.send({ type: 'piece' }, [piece])
    }
  }

  #kept({ path, version, bytes }: PostedState['files'][number]): KeptFile {
    return { version, bytes: bytes ?? this.#files.get(path)?.bytes }
  }
}
