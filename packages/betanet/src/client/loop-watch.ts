import { toHex } from '@fog/kernel'

/** What a client's loops say of a node. */
export interface NodeSuspicion {
  /** In hex. */
  readonly nodeId: string
  /** Loops through it that came back or are lost. */
  readonly loops: number
  readonly lost: number
  /** How many of the lost ones it dropped, as far as that explains all losses best. */
  readonly blamed: number
  /** `blamed` of `loops`: 0 to 1. */
  readonly lossRate: number
  /**
   * `losing`: it drops more than an honest node would. `blocking`: it drops most packets, as in an n-1 attack, where all but a
   * victim's packets are held back. `unknown`: too few loops went through it.
   */
  readonly standing: 'good' | 'losing' | 'blocking' | 'unknown'
}

export interface LoopReport {
  readonly sent: number
  readonly returned: number
  readonly lost: number
  /** Of loops in the window only, the most suspicious node first. */
  readonly nodes: readonly NodeSuspicion[]
}

interface OpenLoop {
  readonly hops: readonly string[]
  readonly lostAt: number
}

interface Outcome {
  readonly hops: readonly string[]
  readonly isLost: boolean
}

/** So many outcomes are looked at: at the default rate the last three quarters of an hour. */
const WINDOW = 512
const MOST_OPEN = 1_024
/** Fewer loops through a node say nothing about it. */
const FEWEST_LOOPS = 20
/** An honest node on a working network stays far below the first; one that blocks is far above the second. */
const LOSING_RATE = 0.03
const BLOCKING_RATE = 0.5
/** Of the normal distribution, one-sided: one honest node in a thousand is wrongly named at the limit. */
const SURE = 3.09
const ROUNDS = 60

/**
 * Loops that a client sends to itself, and what those say that do not come back (Loopix, Piotrowska and others 2017, section
 * 4.2). Only the sender knows the hops of a loop, so a node cannot treat loops better than what it wants to drop.
 */
export class LoopWatch {
  readonly #open = new Map<string, OpenLoop>()
  readonly #outcomes: Outcome[] = []
  #sent = 0
  #returned = 0
  #lost = 0

  get open(): number {
    return this.#open.size
  }

  /** When `expire` has something to do, at the latest. */
  get nextAt(): number {
    const [first] = this.#open.values()
    return first?.lostAt ?? Infinity
  }

  /** A loop was sent through these hops. It is lost when it is not back at `lostAt`. */
  sent(loopId: Uint8Array, hops: readonly Uint8Array[], lostAt: number): void {
    if (this.#open.size >= MOST_OPEN) return
    this.#sent += 1
    // A loop may begin and end at one gateway.
    this.#open.set(toHex(loopId), { hops: [...new Set(hops.map(toHex))], lostAt })
  }

  /** A loop is back. False for one that is not out: it is late, or came twice. */
  returned(loopId: Uint8Array): boolean {
    const id = toHex(loopId)
    const loop = this.#open.get(id)
    if (!loop) return false
    this.#open.delete(id)
    this.#returned += 1
    this.#note({ hops: loop.hops, isLost: false })
    return true
  }

  /** Loops that began or end at a gateway whose link broke say nothing about the others. */
  linkClosed(gatewayId: Uint8Array): void {
    const gateway = toHex(gatewayId)
    for (const [id, { hops }] of this.#open) {
      if (hops[0] === gateway || hops.at(-1) === gateway) this.#open.delete(id)
    }
  }

  expire(now: number): void {
    for (const [id, { hops, lostAt }] of this.#open) {
      if (lostAt > now) return
      this.#open.delete(id)
      this.#lost += 1
      this.#note({ hops, isLost: true })
    }
  }

  report(): LoopReport {
    return { sent: this.#sent, returned: this.#returned, lost: this.#lost, nodes: suspicions(this.#outcomes) }
  }

  #note(outcome: Outcome): void {
    this.#outcomes.push(outcome)
    if (this.#outcomes.length > WINDOW) this.#outcomes.shift()
  }
}

/**
 * Who dropped what is not seen, only which paths lost a packet. Each lost loop is blamed on its hops in proportion to their loss
 * rates, and rates follow from blame, until both agree (expectation maximisation, Dempster and others 1977): the node that is
 * on all broken paths and on few whole ones ends up with the blame.
 */
function suspicions(outcomes: readonly Outcome[]): NodeSuspicion[] {
  const nodes = new Map<string, { loops: number; lost: number; blamed: number; rate: number }>()
  for (const { hops, isLost } of outcomes) {
    for (const hop of hops) {
      const node = nodes.get(hop) ?? { loops: 0, lost: 0, blamed: 0, rate: 0 }
      node.loops += 1
      node.lost += isLost ? 1 : 0
      nodes.set(hop, node)
    }
  }
  for (const node of nodes.values()) node.rate = node.lost / node.loops
  const broken = outcomes.filter(({ isLost }) => isLost)
  for (let round = 0; round < ROUNDS; round++) {
    for (const node of nodes.values()) node.blamed = 0
    for (const { hops } of broken) {
      const sum = hops.reduce((total, hop) => total + nodes.get(hop)!.rate, 0)
      for (const hop of hops) nodes.get(hop)!.blamed += sum > 0 ? nodes.get(hop)!.rate / sum : 0
    }
    for (const node of nodes.values()) node.rate = node.blamed / node.loops
  }
  return [...nodes]
    .map(([nodeId, { loops, lost, blamed, rate }]) => {
      return { nodeId, loops, lost, blamed, lossRate: rate, standing: standingOf(blamed, loops) }
    })
    .sort((a, b) => b.lossRate - a.lossRate)
}

function standingOf(blamed: number, loops: number): NodeSuspicion['standing'] {
  if (loops < FEWEST_LOOPS) return 'unknown'
  const least = surelyAbove(blamed / loops, loops)
  if (least > BLOCKING_RATE) return 'blocking'
  return least > LOSING_RATE ? 'losing' : 'good'
}

/** The rate that the true one is above (Wilson's score interval, 1927). */
function surelyAbove(rate: number, samples: number): number {
  const square = SURE * SURE
  const middle = rate + square / (2 * samples)
  const spread = SURE * Math.sqrt((rate * (1 - rate)) / samples + square / (4 * samples * samples))
  return (middle - spread) / (1 + square / samples)
}
