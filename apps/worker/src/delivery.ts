import { openAsBlob } from 'node:fs'
import type { AttemptId, Clock, Rng } from '@fog/kernel'
import type { Logger } from 'pino'
import type { Channel } from './channel.ts'
import { isPassing, type NodeApi } from './node-api.ts'
import type { Outbox } from './outputs.ts'
import { retried } from './retry.ts'
import type { FinishedAttempt, Spool } from './spool.ts'

export interface DeliveryOptions {
  /** Results whose contents are uploaded at the same time. */
  readonly uploads: number
  readonly uploadTries: number
  readonly firstPauseMs: number
  readonly mostPauseMs: number
  /** A result that is not acknowledged for this long is sent again. */
  readonly repeatMs: number
}

export const DEFAULT_DELIVERY: DeliveryOptions = {
  uploads: 4,
  uploadTries: 8,
  firstPauseMs: 200,
  mostPauseMs: 10_000,
  repeatMs: 15_000,
}

export interface DeliveryDependencies {
  readonly channel: Pick<Channel, 'isOpen' | 'roomy' | 'send' | 'sendText'>
  readonly spool: Spool
  readonly outbox: Outbox
  readonly api: NodeApi
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

/**
 * Brings finished results to the control plane, large contents first, and brings them again until each is acknowledged:
 * after every break, and when an answer stays out. What has been brought twice counts once there.
 */
export class Delivery {
  readonly #dependencies: DeliveryDependencies
  readonly #options: DeliveryOptions
  /** Waiting to be sent, in order. */
  readonly #queue = new Set<AttemptId>()
  readonly #sentAt = new Map<AttemptId, number>()
  readonly #uploaded = new Set<AttemptId>()
  readonly #uploading = new Map<AttemptId, AbortController>()
  #isSending = false
  #repeating: NodeJS.Timeout | undefined
  #isPaused = false
  #slotFree: (() => void) | undefined

  constructor(dependencies: DeliveryDependencies, options: DeliveryOptions = DEFAULT_DELIVERY) {
    this.#dependencies = dependencies
    this.#options = options
  }

  start(): void {
    this.#repeating = setInterval(() => this.#repeatLate(), this.#options.repeatMs / 3)
  }

  stop(): void {
    clearInterval(this.#repeating)
    for (const upload of this.#uploading.values()) upload.abort()
  }

  /** Results wait while the lender's network should not be used. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (!isPaused) this.#pump()
  }

  /** Everything not acknowledged, oldest first: for a channel that has just opened. */
  deliverAll(): void {
    this.#sentAt.clear()
    for (const attemptId of this.#dependencies.spool.unacknowledged()) this.#queue.add(attemptId)
    this.#pump()
  }

  deliver(attemptId: AttemptId): void {
    this.#queue.add(attemptId)
    this.#pump()
  }

  /** It was acknowledged, or will never count. */
  forget(attemptIds: readonly AttemptId[]): void {
    const { spool, outbox, log } = this.#dependencies
    const known = attemptIds.filter((attemptId) => spool.fenceOfResult(attemptId) !== undefined)
    for (const attemptId of known) {
      this.#queue.delete(attemptId)
      this.#sentAt.delete(attemptId)
      this.#uploaded.delete(attemptId)
      this.#uploading.get(attemptId)?.abort()
      outbox.remove(attemptId)
    }
    if (known.length === 0) return
    spool
      .forget(known)
      .catch((fault: unknown) => log.error({ err: fault }, 'acknowledged results could not be forgotten'))
  }

  #pump(): void {
    if (this.#isSending) return
    this.#isSending = true
    void this.#sendQueued().finally(() => {
      this.#isSending = false
      // Something may have come between its last look and its end.
      if (this.#queue.size > 0 && this.#mayGoOn()) this.#pump()
    })
  }

  #mayGoOn(): boolean {
    return this.#dependencies.channel.isOpen && !this.#isPaused
  }

  async #sendQueued(): Promise<void> {
    const { channel, spool } = this.#dependencies
    while (this.#mayGoOn() && (await channel.roomy())) {
      const [attemptId] = this.#queue
      if (attemptId === undefined) return
      this.#queue.delete(attemptId)
      const finished = await spool.find(attemptId)
      if (!finished) continue
      if (finished.uploads.length > 0 && !this.#uploaded.has(attemptId)) await this.#startUpload(finished)
      else this.#send(finished)
    }
  }

  #send({ attemptId, message }: FinishedAttempt): void {
    if (this.#dependencies.channel.sendText(message)) this.#sentAt.set(attemptId, performance.now())
    else this.#queue.add(attemptId)
  }

  /** Waits only when too many uploads are under way already. */
  async #startUpload(finished: FinishedAttempt): Promise<void> {
    const { attemptId } = finished
    if (this.#uploading.has(attemptId)) return
    const abort = new AbortController()
    this.#uploading.set(attemptId, abort)
    const upload = this.#upload(finished, abort.signal).finally(() => {
      this.#uploading.delete(attemptId)
      this.#slotFree?.()
    })
    void upload.then(() => this.#uploaded.has(attemptId) && this.deliver(attemptId))
    while (this.#uploading.size >= this.#options.uploads) {
      await new Promise<void>((resolve) => (this.#slotFree = resolve))
    }
  }

  async #upload(finished: FinishedAttempt, signal: AbortSignal): Promise<void> {
    const { attemptId, uploads } = finished
    const { log } = this.#dependencies
    try {
      for (const digest of uploads) await this.#put(attemptId, digest, signal)
      this.#uploaded.add(attemptId)
    } catch (fault) {
      if (signal.aborted) return
      log.warn({ attemptId, err: fault }, 'the outputs of a task could not be uploaded')
      // A break of the network is over when the next channel opens; then everything is tried again.
      if (isPassing(fault)) return
      this.#giveBack(finished, fault)
    }
  }

  async #put(attemptId: AttemptId, digest: string, signal: AbortSignal): Promise<void> {
    const { api, outbox, clock, rng } = this.#dependencies
    const { uploadTries: tries, firstPauseMs: firstMs, mostPauseMs: mostMs } = this.#options
    const put = async () => api.putOutput(attemptId, digest, await openAsBlob(outbox.fileOf(attemptId, digest)), signal)
    await retried(put, { clock, rng }, { tries, firstMs, mostMs, isPassing, signal })
  }

  #giveBack({ attemptId, fence }: FinishedAttempt, fault: unknown): void {
    const why = fault instanceof Error ? fault.message : String(fault)
    const reason = `its outputs could not be uploaded: ${why}`.slice(0, 300)
    this.#dependencies.channel.send({ type: 'returned', attemptId, fence, reason })
    this.forget([attemptId])
  }

  #repeatLate(): void {
    const now = performance.now()
    for (const [attemptId, sentAt] of this.#sentAt) {
      if (now - sentAt < this.#options.repeatMs) continue
      this.#sentAt.delete(attemptId)
      this.#queue.add(attemptId)
    }
    // Uploads that gave up while the channel stayed open are tried again too.
    for (const attemptId of this.#dependencies.spool.unacknowledged()) {
      if (!this.#sentAt.has(attemptId) && !this.#uploading.has(attemptId)) this.#queue.add(attemptId)
    }
    if (this.#queue.size > 0) this.#pump()
  }
}
