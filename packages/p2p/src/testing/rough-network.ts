import { type ManualClock, randomBelow, type Rng } from '@fog/kernel'
import type { PeerId } from '../peer-id.ts'
import { type Transport, TransportError } from '../transport.ts'

/** How often a frame meets what: shares of 1. */
export interface Roughness {
  /** It does not arrive, and its sender is told. */
  readonly lost?: number
  /** It arrives, and its sender is told that it did not: so it comes again. */
  readonly doubted?: number
  /** It does not arrive, and nobody is told. */
  readonly vanished?: number
}

interface OnItsWay {
  readonly from: PeerId
  readonly to: PeerId
  readonly frame: Uint8Array
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

const MAX_FRAME_BYTES = 4 * 1024
const STEP_MS = 20

/** A network whose frames come in any order, late, twice or not at all, as chance has it; they move only when `step` is called. */
export class RoughNetwork {
  readonly #rng: Rng
  readonly #peers = new Map<PeerId, Set<(from: PeerId, frame: Uint8Array) => void>>()
  readonly #onTheWay: OnItsWay[] = []
  roughness: Roughness
  /** Told of each frame that arrives. */
  onArrival: ((from: PeerId, frame: Uint8Array) => void) | undefined

  constructor(rng: Rng, roughness: Roughness = {}) {
    this.#rng = rng
    this.roughness = roughness
  }

  join(peer: PeerId): Transport {
    const receivers = new Set<(from: PeerId, frame: Uint8Array) => void>()
    this.#peers.set(peer, receivers)
    return {
      name: 'rough',
      maxFrameBytes: MAX_FRAME_BYTES,
      packetFit: { firstBytes: 300, nextBytes: 500 },
      send: (to, frame, signal) => this.#send(peer, to, frame, signal),
      onFrame: (receive) => {
        receivers.add(receive)
        return () => void receivers.delete(receive)
      },
    }
  }

  leave(peer: PeerId): void {
    this.#peers.delete(peer)
  }

  /** One frame of those on their way, taken by chance, comes to its end. False when there is none. */
  step(): boolean {
    const [frame] = this.#onTheWay.splice(randomBelow(this.#rng, this.#onTheWay.length), 1)
    if (!frame) return false
    const { from, to, resolve, reject } = frame
    const unreachable = new TransportError({ code: 'transport.peer_unreachable', transport: 'rough', peer: to })
    const { lost = 0, doubted = 0, vanished = 0 } = this.roughness
    const chance = this.#rng.next()
    const receivers = this.#peers.get(to)
    if (!receivers || chance < lost) {
      reject(unreachable)
      return true
    }
    if (chance < lost + vanished) {
      resolve()
      return true
    }
    this.onArrival?.(from, frame.frame)
    for (const receive of receivers) receive(from, frame.frame.slice())
    if (chance < lost + vanished + doubted) reject(unreachable)
    else resolve()
    return true
  }

  /** Lets frames move and time pass until the condition holds. Throws when it does not within so many turns. */
  async run(clock: ManualClock, holds: () => boolean, mostTurns = 20_000): Promise<void> {
    for (let turn = 0; !holds(); turn++) {
      if (turn === mostTurns) throw new Error(`nothing came of it within ${mostTurns} turns`)
      for (let i = 0; i < 4; i++) this.step()
      clock.advance(STEP_MS)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #send(from: PeerId, to: PeerId, frame: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onItsWay = { from, to, frame: frame.slice(), resolve, reject }
    this.#onTheWay.push(onItsWay)
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    await promise.finally(() => signal.removeEventListener('abort', stop))
  }
}
