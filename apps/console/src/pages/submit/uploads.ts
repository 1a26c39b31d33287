import type { Client } from '@fog/contract'
import { messageOf } from '../../session/session.ts'
import { hashFile } from './hash.ts'
import type { FileState } from './submission.ts'

/** Files hashed or sent at the same time. */
const AT_ONCE = 4
/** The server is asked once so many are hashed, or nothing is left to hash. */
const ASKED_AT_ONCE = 200
const WAITING: FileState = { status: 'waiting' }

export interface UploadStates {
  readonly stateOf: (file: File) => FileState
}

/**
 * Brings files to the control plane: hashed here, sent only where the server lacks them. Each file once, a few at a time,
 * and the server is asked about many at once.
 */
export class Uploads {
  readonly #client: Client
  readonly #states = new Map<File, FileState>()
  readonly #toHash: File[] = []
  readonly #toAsk: Hashed[] = []
  readonly #toSend: Hashed[] = []
  readonly #listeners = new Set<() => void>()
  #working = 0
  #hashing = 0
  #asking = false
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
    const fresh = files.filter((file) => {
      const state = this.#states.get(file)
      return state === undefined || (state.status === 'failed' && again === 'retry failed')
    })
    this.#toHash.push(...fresh)
    for (const file of fresh) this.#states.set(file, WAITING)
    if (fresh.length > 0) this.#goOn()
  }

  #goOn(): void {
    void this.#ask()
    while (this.#working < AT_ONCE) {
      const work = this.#next()
      if (!work) break
      this.#working += 1
      void work.finally(() => {
        this.#working -= 1
        this.#goOn()
      })
    }
    this.#tell()
  }

  #next(): Promise<void> | undefined {
    const hashed = this.#toSend.shift()
    if (hashed) return this.#send(hashed)
    const file = this.#toHash.shift()
    return file && this.#hash(file)
  }

  async #hash(file: File): Promise<void> {
    this.#states.set(file, { status: 'hashing' })
    this.#hashing += 1
    await this.#orFail([file], async () => {
      this.#toAsk.push({ file, digest: await hashFile(file) })
    })
    this.#hashing -= 1
  }

  // One question at a time: what is hashed meanwhile goes into the next.
  async #ask(): Promise<void> {
    const isLast = this.#hashing === 0 && this.#toHash.length === 0
    if (this.#asking || this.#toAsk.length < (isLast ? 1 : ASKED_AT_ONCE)) return
    this.#asking = true
    const asked = this.#toAsk.splice(0, ASKED_AT_ONCE)
    await this.#orFail(
      asked.map(({ file }) => file),
      async () => {
        const digests = [...new Set(asked.map(({ digest }) => digest))]
        const { missing } = await this.#client.call('findMissingBlobs', { body: { digests } })
        const lacking = new Set(missing)
        for (const one of asked) {
          if (lacking.has(one.digest)) this.#toSend.push(one)
          else this.#states.set(one.file, { status: 'ready', digest: one.digest })
        }
      },
    )
    this.#asking = false
    this.#goOn()
  }

  async #send({ file, digest }: Hashed): Promise<void> {
    this.#states.set(file, { status: 'uploading' })
    await this.#orFail([file], async () => {
      await this.#client.raw('putBlob', { params: { digest } }, file)
      this.#states.set(file, { status: 'ready', digest })
    })
  }

  async #orFail(files: readonly File[], work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      for (const file of files) this.#states.set(file, { status: 'failed', why: messageOf(thrown) })
    }
  }

  #tell(): void {
    this.#snapshot = { stateOf: (file) => this.stateOf(file) }
    for (const listener of this.#listeners) listener()
  }
}

interface Hashed {
  readonly file: File
  readonly digest: string
}
