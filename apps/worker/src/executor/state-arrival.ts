import { assert } from '@fog/kernel'
import { ContentReceiver, type ContentSink } from './contents.ts'
import { FrameFault } from './frames.ts'
import type { StateMessage } from './protocol.ts'

/** A checkpoint as it was when it was asked for. */
export interface TakenState {
  readonly version: number
  /** Fuel burnt by then, as a decimal text. */
  readonly fuel: string
  /** All of its files. Contents went, in order, to a sink for each whose version is above `since`. */
  readonly files: readonly { readonly path: string; readonly version: number }[]
}

export interface StateWish {
  readonly since: number
  readonly openSink: (size: number) => ContentSink
}

/** Takes in checkpoints that a child sends when asked, one at a time, and trusts none of what it says about them. */
export class StateArrival {
  readonly #mostBytes: number
  #wish: (StateWish & PromiseWithResolvers<TakenState | undefined>) | undefined
  #message: StateMessage | undefined
  #receiver: ContentReceiver | undefined

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Whether contents are still on their way. */
  get isComing(): boolean {
    return this.#receiver !== undefined
  }

  expect(wish: StateWish): Promise<TakenState | undefined> {
    assert(!this.#wish, 'one checkpoint is taken at a time')
    this.#wish = { ...wish, ...Promise.withResolvers<TakenState | undefined>() }
    return this.#wish.promise
  }

  /** The run is over: no answer will come. */
  close(): void {
    this.#wish?.resolve(undefined)
    this.#wish = undefined
  }

  /** Throws `FrameFault` for what no sound child would say. */
  async begin(message: StateMessage, parts: readonly Uint8Array[]): Promise<void> {
    const wish = this.#wish
    const { files, sizes } = message
    if (!wish || this.#message) throw new FrameFault('a checkpoint nobody asked for')
    if (files.filter(({ version }) => version > wish.since).length !== sizes.length) {
      throw new FrameFault('a checkpoint that does not fit together')
    }
    if (sizes.reduce((sum, size) => sum + size, 0) > this.#mostBytes) throw new FrameFault('a checkpoint too large')
    if (!files.every(({ path }) => isPlain(path))) throw new FrameFault('a file of a checkpoint that leaves its folder')
    if (new Set(files.map(({ path }) => path)).size < files.length) throw new FrameFault('one name for two files')
    this.#message = message
    this.#receiver = new ContentReceiver(sizes, sizes.map(wish.openSink))
    await this.take(parts)
  }

  async take(parts: readonly Uint8Array[]): Promise<void> {
    const [wish, message, receiver] = [this.#wish, this.#message, this.#receiver]
    if (!wish || !message || !receiver) throw new FrameFault('content without a checkpoint')
    for (const part of parts) await receiver.push(part)
    if (!receiver.isWhole) return
    this.#wish = this.#message = this.#receiver = undefined
    const { version, fuel, files } = message
    wish.resolve({ version, fuel, files })
  }
}

function isPlain(path: string): boolean {
  const parts = path.split('/')
  return path.isWellFormed() && !path.includes('\0') && parts.every((part) => !['', '.', '..'].includes(part))
}
