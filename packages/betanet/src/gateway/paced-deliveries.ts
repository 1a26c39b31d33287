import { type Rng, toHex } from '@fog/kernel'
import { PoissonTimes } from '../client/poisson.ts'
import { coverDelivery } from './inbox.ts'

/** No client is served faster than this, whatever it asks: a gateway sends as much for cover as for the rest. */
export const LEAST_PACE_MS = 5

export interface PacedDeliveriesNeeds {
  readonly rng: Rng
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly deliver: (linkKey: Uint8Array, delivery: Uint8Array) => void
  /** Of every delivery, cover or not. */
  readonly deliveryBytes: number
}

interface Client {
  readonly linkKey: Uint8Array
  readonly times: PoissonTimes
  /** What waits for its turn; the inbox bounds it. */
  readonly queue: Uint8Array[]
}

/**
 * Deliveries to clients that want it hidden when they receive something: each gets one at the random times of its own rate, cover
 * where nothing waits, as a provider of Loopix does (Piotrowska and others 2017). Cover looks like any delivery to whoever
 * watches the link, and is acknowledged like one.
 */
export class PacedDeliveries {
  readonly #needs: PacedDeliveriesNeeds
  readonly #clients = new Map<string, Client>()

  constructor(needs: PacedDeliveriesNeeds) {
    this.#needs = needs
  }

  /** When the next delivery is due, in the time of `now`; `Infinity` while nobody is paced. */
  get nextAt(): number {
    return this.#clients.values().reduce((first, { times }) => Math.min(first, times.nextAt), Infinity)
  }

  /** The client's link is open, and `waiting` is for it; again with another mean changes the rate. */
  begin(linkKey: Uint8Array, meanMs: number, waiting: readonly Uint8Array[]): void {
    const { rng, now } = this.#needs
    const name = toHex(linkKey)
    const queue = [...(this.#clients.get(name)?.queue ?? []), ...waiting]
    const times = new PoissonTimes({ rng, now: now() }, Math.max(LEAST_PACE_MS, meanMs))
    this.#clients.set(name, { linkKey, times, queue })
  }

  /** The client's link is gone. What waited is still in its inbox. */
  end(linkKey: Uint8Array): void {
    this.#clients.delete(toHex(linkKey))
  }

  /** Whether the client is paced; then the delivery waits for its turn. */
  offer(linkKey: Uint8Array, delivery: Uint8Array): boolean {
    const client = this.#clients.get(toHex(linkKey))
    client?.queue.push(delivery)
    return client !== undefined
  }

  /** Delivers whatever is due. */
  run(): void {
    const { rng, now, deliver, deliveryBytes } = this.#needs
    for (const { linkKey, times, queue } of this.#clients.values()) {
      while (times.isDue(now())) deliver(linkKey, queue.shift() ?? coverDelivery(rng, deliveryBytes))
    }
  }
}
