import type { Client } from '@fog/contract'
import { messageOf } from '../../session/session.ts'
import { hashFile } from './hash.ts'
import type { FileState } from './submission.ts'

/** Files hashed or sent at the same time. */
const AT_ONCE = 4
const WAITING: FileState = { status: 'waiting' }

export interface UploadStates {
  readonly stateOf: (file: File) => FileState
}

/** Brings files to the control plane: hashed here, sent only where the server lacks them. Each file once. */
export class Uploads {
  readonly #client: Client
  readonly #states = new Map<File, FileState>()
  readonly #queue: File[] = []
  readonly #listeners = new Set<() => void>()
  #working = 0
  /** Which file stands where; another object whenever any of them gets further. */
  #snapshot: UploadStates = { stateOf: (file) => this.stateOf(file) }

  constructor(client: Client) {
    this.#client = client
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly snapshot = (): UploadStates => this.#snapshot

  readonly stateOf = (file: File): FileState => this.#states.get(file) ?? WAITING

  /** Starts on those that were not asked for yet; tries again those that failed, when `again` says so. */
  want(files: readonly File[], again: 'leave failed' | 'retry failed' = 'leave failed'): void {
    for (const file of files) {
      const { status } = this.stateOf(file)
      const isNew = status === 'waiting' && !this.#queue.includes(file)
      if (isNew || (status === 'failed' && again === 'retry failed')) this.#queue.push(file)
    }
    this.#startMore()
  }

  #startMore(): void {
    while (this.#working < AT_ONCE && this.#queue.length > 0) {
      this.#working += 1
      void this.#bring(this.#queue.shift()!).finally(() => {
        this.#working -= 1
        this.#startMore()
      })
    }
  }

  async #bring(file: File): Promise<void> {
    try {
      this.#set(file, { status: 'hashing' })
      const digest = await hashFile(file)
      this.#set(file, { status: 'uploading' })
      const { missing } = await this.#client.call('findMissingBlobs', { body: { digests: [digest] } })
      if (missing.length > 0) await this.#client.raw('putBlob', { params: { digest } }, file)
      this.#set(file, { status: 'ready', digest })
    } catch (thrown) {
      this.#set(file, { status: 'failed', why: messageOf(thrown) })
    }
  }

  #set(file: File, state: FileState): void {
    this.#states.set(file, state)
    this.#snapshot = { stateOf: (one) => this.stateOf(one) }
    for (const listener of this.#listeners) listener()
  }
}
