import type { Rng } from '@fog/kernel'
import type { NetworkParameters } from '../directory/index.ts'
import { PoissonTimes } from './poisson.ts'

export interface EmissionOptions {
  /**
   * `consensus`: packets leave at the random times of the network's common rate, cover where there is nothing to send, so that a
   * watcher of the client's link learns nothing. `off`: packets leave when they are there. For trusted local networks only.
   */
  readonly cover: 'consensus' | 'off'
  /** Of a service that everybody knows, a shorter mean time between packets than other clients have, under cover. */
  readonly sendMeanMs?: number | undefined
  /** Without cover: a bound, so that a long message does not fill the links. */
  readonly mostPacketsPerSecond: number
}

/** Without cover so many packets may leave at once after a pause. */
const BURST = 32
/** When nothing could be sent, no link being open, it is tried again so soon. */
const RETRY_MS = 100

/** When a client's packets leave. */
export class Emission {
  readonly #rng: Rng
  readonly #options: EmissionOptions
  #sends: PoissonTimes | undefined
  #loops: PoissonTimes | undefined
  /** Without cover: when the rate is kept again, had nothing more been sent (GCRA of ATM). */
  #paidUntil = 0
  #retryAt = 0

  constructor({ rng }: { readonly rng: Rng }, options: EmissionOptions) {
    this.#rng = rng
    this.#options = options
  }

  /** Whether real packets wait for the times of cover. */
  get isCovered(): boolean {
    return this.#sends !== undefined
  }

  /** Takes the network's rates. Times go on as they were where a rate did not change. */
  setRates({ clientSendMeanMs, clientLoopMeanMs }: NetworkParameters, now: number): void {
    const isOff = this.#options.cover === 'off'
    const sendMeanMs = Math.min(this.#options.sendMeanMs ?? clientSendMeanMs, clientSendMeanMs)
    this.#sends = this.#timesOf(this.#sends, isOff ? 0 : sendMeanMs, now)
    this.#loops = this.#timesOf(this.#loops, isOff ? 0 : clientLoopMeanMs, now)
  }

  isSendDue(now: number): boolean {
    return this.#sends?.isDue(now) ?? false
  }

  isLoopDue(now: number): boolean {
    return this.#loops?.isDue(now) ?? false
  }

  /** Without cover: whether one more packet may leave now. */
  mayLeave(now: number): boolean {
    const { mostPacketsPerSecond } = this.#options
    return now >= this.#retryAt && now >= this.#paidUntil - (BURST * 1000) / mostPacketsPerSecond
  }

  left(now: number): void {
    this.#paidUntil = Math.max(this.#paidUntil, now) + 1000 / this.#options.mostPacketsPerSecond
  }

  stuck(now: number): void {
    this.#retryAt = now + RETRY_MS
  }

  /** There is no network for now. */
  pause(now: number): void {
    this.#sends = undefined
    this.#loops = undefined
    this.stuck(now)
  }

  /** Links changed: what was stuck may go. */
  unstick(): void {
    this.#retryAt = 0
  }

  /** When something is due next, given whether packets wait. */
  nextAt(hasPackets: boolean): number {
    const covered = Math.min(this.#sends?.nextAt ?? Infinity, this.#loops?.nextAt ?? Infinity)
    if (this.#sends || !hasPackets) return covered
    const paid = this.#paidUntil - (BURST * 1000) / this.#options.mostPacketsPerSecond
    return Math.min(covered, Math.max(this.#retryAt, paid))
  }

  #timesOf(before: PoissonTimes | undefined, meanMs: number, now: number): PoissonTimes | undefined {
    if (meanMs === 0) return undefined
    return before?.meanMs === meanMs ? before : new PoissonTimes({ rng: this.#rng, now }, meanMs)
  }
}
