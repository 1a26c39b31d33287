import { toHex } from '@fog/kernel'
import { type LoopOutcome, type NodeSuspicion, suspicions } from './blame.ts'

export interface LoopReport {
  readonly sent: number
  /** `late` of them later than delays and slack explain. */
  readonly returned: number
  readonly late: number
  readonly lost: number
  /** Of loops in the window only, the most suspicious node first. */
  readonly nodes: readonly NodeSuspicion[]
}

export interface LoopTimes {
  /** Back after this it is late. */
  readonly lateAt: number
  /** Not back at this it is lost. */
  readonly lostAt: number
}

interface OpenLoop extends LoopTimes {
  readonly hops: readonly string[]
}

/** So many outcomes are looked at: at the default rate the last three quarters of an hour. */
const WINDOW = 512
const MOST_OPEN = 1_024

/**
 * Loops that a client sends to itself, and what those say that do not come back, or late (Loopix, Piotrowska and others 2017, section
 * 4.2). Only the sender knows the hops of a loop, so a node cannot treat loops better than what it wants to drop.
 */
export class LoopWatch {
  readonly #open = new Map<string, OpenLoop>()
  #outcomes: LoopOutcome[] = []
  #sent = 0
  #returned = 0
  #late = 0
  #lost = 0

  get open(): number {
    return this.#open.size
  }

  /** Loops of which it is known what became of them. */
  get known(): number {
    return this.#returned + this.#lost
  }

  /** When `expire` has something to do, at the latest. */
  get nextAt(): number {
    const [first] = this.#open.values()
    return first?.lostAt ?? Infinity
  }

  /** A loop was sent through these hops. */
  sent(loopId: Uint8Array, hops: readonly Uint8Array[], times: LoopTimes): void {
    if (this.#open.size >= MOST_OPEN) return
    this.#sent += 1
    // A loop may begin and end at one gateway.
    this.#open.set(toHex(loopId), { hops: [...new Set(hops.map(toHex))], ...times })
  }

  /** A loop is back. False for one that is not out: it was given up, or came twice. */
  returned(loopId: Uint8Array, now: number): boolean {
    const id = toHex(loopId)
    const loop = this.#open.get(id)
    if (!loop) return false
    const isLate = now > loop.lateAt
    this.#open.delete(id)
    this.#returned += 1
    if (isLate) this.#late += 1
    this.#note({ hops: loop.hops, fate: isLate ? 'late' : 'back' })
    return true
  }

  /** Loops that began or end at a gateway whose link broke say nothing about the others. */
  linkClosed(gatewayId: Uint8Array): void {
    const gateway = toHex(gatewayId)
    for (const [id, { hops }] of this.#open) {
      if (hops[0] === gateway || hops.at(-1) === gateway) this.#open.delete(id)
    }
  }

  /** What was seen of loops through this node counts no more: it is looked at anew. */
  forget(nodeId: string): void {
    this.#outcomes = this.#outcomes.filter(({ hops }) => !hops.includes(nodeId))
  }

  expire(now: number): void {
    for (const [id, { hops, lostAt }] of this.#open) {
      if (lostAt > now) return
      this.#open.delete(id)
      this.#lost += 1
      this.#note({ hops, fate: 'lost' })
    }
  }

  suspicions(): NodeSuspicion[] {
    return suspicions(this.#outcomes)
  }

  report(): LoopReport {
    const [sent, returned, late, lost] = [this.#sent, this.#returned, this.#late, this.#lost]
    return { sent, returned, late, lost, nodes: this.suspicions() }
  }

  #note(outcome: LoopOutcome): void {
    this.#outcomes.push(outcome)
    if (this.#outcomes.length > WINDOW) this.#outcomes.shift()
  }
}
