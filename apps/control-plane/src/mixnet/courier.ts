import { toHex, type Clock } from '@fog/kernel'
import { signAuthorityMessage, type AuthorityKeys } from '@fog/betanet/directory'
import type { Log } from '../platform.ts'
import type { MixnetMetrics } from './mixnet-metrics.ts'
import type { Peer } from './network.ts'

export interface CourierDependencies {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: MixnetMetrics
  readonly keys: AuthorityKeys
  readonly fetch?: typeof fetch
}

export interface CourierOptions {
  readonly network: Uint8Array
  readonly peers: readonly Peer[]
  /** A message that did not get there by then is of no use. */
  readonly usefulMs: number
}

/** For one peer; more than an epoch's messages never wait. */
const MOST_WAITING = 64
const ATTEMPT_MS = 10_000
const FIRST_REST_MS = 100
const LONGEST_REST_MS = 2_000

interface Parcel {
  readonly message: Uint8Array
  readonly signature: string
  readonly until: number
}

/**
 * Brings messages to the other authorities over HTTP, to each at its own pace: one that is slow or away holds up nobody. What cannot
 * be delivered in its time is dropped and counted; the protocol lives with lost messages.
 */
export class Courier {
  readonly #given: CourierDependencies
  readonly #options: CourierOptions
  readonly #queues: ReadonlyMap<Peer, Parcel[]>
  readonly #stopping = new AbortController()
  readonly #busy = new Map<Peer, Promise<void>>()

  constructor(given: CourierDependencies, options: CourierOptions) {
    this.#given = given
    this.#options = options
    this.#queues = new Map(options.peers.map((peer) => [peer, []]))
  }

  /** Queues messages for every peer, and returns at once. */
  send(messages: readonly Uint8Array[]): void {
    const { clock, keys, metrics } = this.#given
    const { network, usefulMs } = this.#options
    if (this.#stopping.signal.aborted || this.#queues.size === 0) return
    for (const message of messages) {
      const signature = toHex(signAuthorityMessage(network, message, keys.signingSecretKey))
      const parcel = { message, signature, until: clock.now() + usefulMs }
      for (const [peer, queue] of this.#queues) {
        if (queue.length >= MOST_WAITING) {
          queue.shift()
          metrics.message('out', 'dropped')
        }
        queue.push(parcel)
        if (!this.#busy.has(peer)) this.#busy.set(peer, this.#serve(peer, queue))
      }
    }
  }

  /** Resolves when all that was sent has arrived or been given up. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy.values())
  }

  /** Gives up what has not been delivered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#busy.values())
  }

  async #serve(peer: Peer, queue: Parcel[]): Promise<void> {
    for (let parcel = queue.shift(); parcel; parcel = queue.shift()) {
      if (this.#stopping.signal.aborted) break
      this.#given.metrics.message('out', await this.#deliver(peer, parcel))
    }
    this.#busy.delete(peer)
  }

  async #deliver(peer: Peer, parcel: Parcel): Promise<string> {
    const { clock, log } = this.#given
    let why = 'late'
    for (let attempt = 0; clock.now() < parcel.until && !this.#stopping.signal.aborted; attempt += 1) {
      const status = await this.#post(peer, parcel)
      if (status === 204) return 'delivered'
      why = String(status)
      // Refused for what it is: it will not be otherwise the next time.
      if (typeof status === 'number' && status < 500 && status !== 429) break
      const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** attempt)
      await clock.sleep(restMs, this.#stopping.signal).catch(() => undefined)
    }
    log.warn({ peer: peer.url, why }, 'a message did not reach another authority')
    return 'undelivered'
  }

  /** The status, or what went wrong before there was one. */
  async #post({ url }: Peer, { message, signature }: Parcel): Promise<number | string> {
    const { keys, fetch: post = fetch } = this.#given
    const query = new URLSearchParams({ authority: toHex(keys.signingKey), signature })
    try {
      const response = await post(`${url}/v1/mixnet/messages?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(message),
        redirect: 'error',
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ATTEMPT_MS)]),
      })
      // What it says beyond its status is not read: a peer must not be able to fill our memory.
      await response.body?.cancel()
      return response.status
    } catch (fault) {
      return fault instanceof Error ? fault.message : String(fault)
    }
  }
}
