import { openAsBlob } from 'node:fs'
import type { CheckpointMessage, LeaseMessage, ServerMessage } from '@fog/contract'
import type { AttemptId, Clock, NodeId, Rng } from '@fog/kernel'
import type { Logger } from 'pino'
import type { Channel } from './channel.ts'
import type { RunControl } from './executor/pool.ts'
import type { TakenState } from './executor/state-arrival.ts'
import type { Identity } from './identity.ts'
import { isPassing, type NodeApi } from './node-api.ts'
import type { KeptContent, Outbox } from './outputs.ts'
import { retried } from './retry.ts'

export type Checkpointed = Extract<ServerMessage, { type: 'checkpointed' }>

export interface CheckpointsDependencies {
  /** Where contents wait that are on their way. */
  readonly folder: Outbox
  readonly api: NodeApi
  readonly channel: Pick<Channel, 'send' | 'isOpen'>
  readonly identity: Identity
  readonly nodeId: () => NodeId
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** Whether the lender's network may be used now. */
  readonly mayUpload: () => boolean
}

type KeptFile = Omit<KeptContent, 'bytes'> & { readonly path: string; readonly bytes?: Uint8Array | undefined }

/** A checkpoint that has left the program. */
interface Taken {
  readonly version: number
  readonly files: readonly KeptFile[]
  readonly fuel: string
  readonly cpuMs: number
  readonly wallMs: number
}

const UPLOAD_TRIES = { tries: 4, firstMs: 200, mostMs: 5_000 }
/** A checkpoint that is not answered for this long is sent again with the next one. */
const ANSWER_MS = 15_000
/** However short the interval, a checkpoint that cannot be shipped is not tried in a tight circle. */
const LEAST_EVERY_MS = 50
/** When the channel is closed or the program stands still, this much later. */
const LATER_MS = 1_000

/**
 * The checkpoints of one attempt: takes what the program renamed into `/state`, no more often than the lease says, uploads what
 * has changed, and names it to the control plane. Only what that has acknowledged counts; the rest is as if it were not.
 */
export class Checkpoints {
  readonly #dependencies: CheckpointsDependencies
  readonly #lease: LeaseMessage
  readonly #attemptId: AttemptId
  readonly #stopping = new AbortController()
  /** By path, as of the last one taken; first what the lease brought. */
  #files: ReadonlyMap<string, KeptFile>
  /** Contents the control plane is known to have for this attempt. */
  #brought: Set<string>
  #control: RunControl | undefined
  #seenVersion = 0
  #takenVersion = 0
  #taken: Taken | undefined
  #sequence = 0
  #acknowledged: number | undefined
  #shippedAt = -Infinity
  #isShipping = false
  #step: Promise<unknown> = Promise.resolve()
  #answer: ((answer: Checkpointed) => void) | undefined

  constructor(dependencies: CheckpointsDependencies, lease: LeaseMessage, attemptId: AttemptId) {
    this.#dependencies = dependencies
    this.#lease = lease
    this.#attemptId = attemptId
    this.#files = new Map(lease.state?.files.map((file) => [file.path, file]))
    this.#brought = new Set(lease.state?.files.map(({ digest }) => digest))
  }

  /** A process has the task, for the first time or again. */
  begin(control: RunControl): void {
    this.#control = control
    this.#seenVersion = this.#takenVersion = 0
    this.#files = new Map(this.#lease.state?.files.map((file) => [file.path, file]))
  }

  /** The program made a checkpoint. */
  changed(version: number): void {
    this.#seenVersion = version
    if (this.#isShipping) return
    this.#isShipping = true
    void this.#shipAll().finally(() => (this.#isShipping = false))
  }

  answered(answer: Checkpointed): void {
    this.#answer?.(answer)
  }

  /** Takes what is in place now, whether or not the process is stopped. Never throws; after `ms` it gives up. */
  async takeLast(ms: number): Promise<void> {
    this.#stopping.abort()
    const signal = AbortSignal.timeout(ms)
    this.#control?.wake()
    await before(signal, this.#step)
    await before(signal, this.#take())
  }

  /** Ships what was taken last, within `ms`. Answers the number of the newest checkpoint that was acknowledged. */
  async shipLast(ms: number): Promise<number | undefined> {
    const signal = AbortSignal.timeout(Math.max(1, ms))
    const { channel, mayUpload } = this.#dependencies
    if (this.#taken && channel.isOpen && mayUpload()) await before(signal, this.#ship(this.#taken, signal))
    return this.#acknowledged
  }

  /** Nothing more is shipped, and nothing is left on this disk. */
  end(): void {
    this.#stopping.abort()
    this.#control = undefined
    this.#dependencies.folder.remove(this.#attemptId)
  }

  async #shipAll(): Promise<void> {
    const { clock, channel, mayUpload } = this.#dependencies
    const { signal } = this.#stopping
    const everyMs = Math.max(LEAST_EVERY_MS, this.#lease.state?.everyMs ?? 0)
    while (!signal.aborted && (this.#seenVersion > this.#takenVersion || this.#taken)) {
      const waitMs = this.#shippedAt + everyMs - clock.now()
      const isReady = channel.isOpen && mayUpload()
      if (waitMs > 0 || !isReady) {
        await clock.sleep(waitMs > 0 ? waitMs : LATER_MS, signal).catch(() => undefined)
        continue
      }
      this.#step = this.#takeAndShip(signal)
      await this.#step
    }
  }

  async #takeAndShip(signal: AbortSignal): Promise<void> {
    if (this.#seenVersion > this.#takenVersion) await this.#take()
    if (signal.aborted || !this.#taken) return
    this.#shippedAt = this.#dependencies.clock.now()
    await this.#ship(this.#taken, signal)
  }

  /** The newest checkpoint, its contents in our folder. What it held before is kept where it has not changed. */
  async #take(): Promise<void> {
    const control = this.#control
    const collector = this.#dependencies.folder.collect(this.#attemptId)
    const since = this.#takenVersion
    const seen = this.#seenVersion
    const state = await control?.takeState({ since, openSink: (size) => collector.openSink(size) })
    if (!state || !control || state.version <= since) {
      // The run is over, or what was seen cannot be kept: it is not asked for again.
      if (this.#seenVersion === seen) this.#seenVersion = since
      return collector.reset()
    }
    const contents = await collector.contents()
    const { cpuMs, wallMs } = control
    const files = filesOf(state, since, contents, this.#files)
    this.#files = new Map(files.map((file) => [file.path, file]))
    this.#takenVersion = state.version
    this.#taken = { version: state.version, files, fuel: state.fuel, cpuMs: rounded(cpuMs), wallMs: rounded(wallMs) }
  }

  /** Never throws: a checkpoint that cannot be shipped is replaced by the next one. */
  async #ship(taken: Taken, signal: AbortSignal): Promise<void> {
    const { log } = this.#dependencies
    try {
      await this.#upload(taken.files, signal)
      const sequence = ++this.#sequence
      const answer = await this.#announce(this.#message(taken, sequence), signal)
      if (this.#taken === taken) this.#taken = undefined
      if (answer.refusal !== undefined) return this.#refused(answer.refusal)
      this.#acknowledged = sequence
      this.#forgetOld(taken.files)
    } catch (fault) {
      if (signal.aborted) return
      log.warn({ attemptId: this.#attemptId, err: fault }, 'a checkpoint could not be shipped')
      if (!isPassing(fault) && this.#taken === taken) this.#taken = undefined
    }
  }

  #refused(why: string): void {
    this.#dependencies.log.warn({ attemptId: this.#attemptId, why }, 'a checkpoint was refused')
    // What it lacks may be content that was let go meanwhile: it is all brought again.
    this.#brought = new Set(this.#lease.state?.files.map(({ digest }) => digest))
  }

  async #upload(files: readonly KeptFile[], signal: AbortSignal): Promise<void> {
    const { api, folder, clock, rng } = this.#dependencies
    for (const { digest, bytes } of files) {
      if (this.#brought.has(digest)) continue
      const put = async () => {
        const content = bytes ? new Blob([bytes.slice()]) : await openAsBlob(folder.fileOf(this.#attemptId, digest))
        await api.putState(this.#attemptId, digest, content, signal)
      }
      await retried(put, { clock, rng }, { ...UPLOAD_TRIES, isPassing, signal })
      this.#brought.add(digest)
    }
  }

  async #announce(checkpoint: CheckpointMessage, signal: AbortSignal): Promise<Checkpointed> {
    const { channel } = this.#dependencies
    const { fence } = this.#lease
    const waiting = Promise.withResolvers<Checkpointed>()
    const late = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    const giveUp = () => waiting.reject(new TypeError('a checkpoint was not answered in time'))
    late.addEventListener('abort', giveUp, { once: true })
    this.#answer = (answer) => answer.sequence === checkpoint.sequence && waiting.resolve(answer)
    try {
      if (!channel.send({ type: 'checkpoint', attemptId: this.#attemptId, fence, checkpoint })) {
        throw new TypeError('there is no channel')
      }
      return await waiting.promise
    } finally {
      this.#answer = undefined
      late.removeEventListener('abort', giveUp)
    }
  }

  #message({ files, fuel, cpuMs, wallMs }: Taken, sequence: number): CheckpointMessage {
    const { identity, nodeId } = this.#dependencies
    const { taskId, fence } = this.#lease
    const listed = files.map(({ path, digest, size }) => ({ path, digest, size }))
    const checkpoint = { sequence, files: listed, fuel, cpuMs, wallMs }
    const signature = identity.signCheckpoint({ attemptId: this.#attemptId, taskId, fence, checkpoint }, nodeId())
    return { ...checkpoint, signature }
  }

  #forgetOld(files: readonly KeptFile[]): void {
    const current = new Set([...this.#files.values(), ...files].map(({ digest }) => digest))
    this.#dependencies.folder.keepContents(this.#attemptId, current)
    // The control plane lets go of what is no longer in the newest one.
    const named = new Set(files.map(({ digest }) => digest))
    for (const digest of this.#brought) if (!named.has(digest)) this.#brought.delete(digest)
  }
}

/** New contents come in the order of the files that have changed. */
function filesOf(
  { files }: TakenState,
  since: number,
  contents: readonly KeptContent[],
  before: ReadonlyMap<string, KeptFile>,
): KeptFile[] {
  const fresh = contents.values()
  return files.map(({ path, version }) => {
    const content = version > since ? fresh.next().value : before.get(path)
    // Only a child that lies names a file as unchanged that was never there.
    if (!content) throw new TypeError(`a checkpoint names ${path} and never brought it`)
    const { digest, size, bytes } = content
    return { path, digest, size, bytes }
  })
}

/** Waits for `work`, and no longer than the signal. What goes wrong in it is no reason to wait. */
function before(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    work.then(
      () => resolve(),
      () => resolve(),
    )
  })
}

function rounded(ms: number): number {
  return Math.round(Math.max(0, ms) * 1000) / 1000
}
