import type { Rng } from '@fog/kernel'
import { randomBelow } from '@fog/kernel'
import type { Arrangement } from './arrangement.ts'
import { CHOICES, choicesOf } from './choices.ts'
import { tasksOn } from './descent.ts'
import type { Direction } from './direction.ts'
import { COST, WAITS } from './model.ts'
import { pricedCost } from './prices.ts'

/** Nodes looked at together, and the tasks on them that are placed anew. */
const MOST_NODES = 5
const MOST_TASKS = 26

/** Tasks drawn for the one that starts a question. */
const DRAWN = 3

/** Partial placements one search looks at: few at first, and more the rarer few are enough. */
const LEAST_LOOKS = 300
const MOST_LOOKS = 20_000

/**
 * Takes all tasks off a few nodes, or many of them, and places them anew as well as is possible there: branch and bound,
 * with the room still free valued at the capacity prices, which is a Lagrangian bound and so cuts nearly everything. One
 * call is the best of all moves, swaps and chains among these nodes. What goes by task and node alone is exact; idle watts
 * and contention are looked at when the result is known, and a result that is not better is taken back.
 */
export class Reassignment {
  readonly at: Arrangement
  readonly #direction: Direction
  readonly #prices: Float64Array
  readonly #choices: Int32Array
  readonly #rng: Rng
  readonly #size: number
  /** No two values are nearer than this, or a little less. */
  readonly grain: number
  /** The question at hand: tasks, nodes, and by pair what is added, what it is with its room paid for, what it takes. */
  #tasks: number[] = []
  #nodes: number[] = []
  readonly #cost = new Float64Array(MOST_TASKS * MOST_NODES)
  readonly #priced = new Float64Array(MOST_TASKS * MOST_NODES)
  readonly #needs: Float64Array
  readonly #room: Float64Array
  readonly #price: Float64Array
  /** For each task, its nodes from cheap to dear at the prices. */
  readonly #ranked = new Int32Array(MOST_TASKS * MOST_NODES)
  /** The least that tasks from here on can add, room paid for. */
  readonly #rest = new Float64Array(MOST_TASKS + 1)
  readonly #chosen = new Int32Array(MOST_TASKS)
  readonly #best = new Int32Array(MOST_TASKS)
  #least = 0
  #looks = 0
  #barred = WAITS
  #allowed = LEAST_LOOKS
  #dry = 0
  looks = 0

  constructor(at: Arrangement, direction: Direction, prices: Float64Array, rng: Rng) {
    this.at = at
    this.#direction = direction
    this.#prices = prices
    this.#choices = choicesOf(direction, prices)
    this.#rng = rng
    this.#size = at.model.dimensions.length
    this.grain = grainOf(direction)
    this.#needs = new Float64Array(MOST_TASKS * MOST_NODES * this.#size)
    this.#room = new Float64Array(MOST_NODES * this.#size)
    this.#price = new Float64Array(MOST_NODES * this.#size)
  }

  /**
   * Places the tasks of a few random nodes anew. With `slack` above 0 one task has to leave its node, and the best that
   * gives is kept when the sum rises by no more than the slack. Whether anything changed.
   */
  try(slack: number): boolean {
    const { at } = this
    const seed = this.#unhappy()
    this.#pose(seed)
    if (this.#nodes.length < 2) return false
    const before = this.#direction.valueOf(at.totals)
    const places = this.#tasks.map((task) => at.nodeOf[task]!)
    this.#barred = slack > 0 ? this.#nodes.indexOf(at.nodeOf[seed]!) : WAITS
    this.#least = this.#valueOf(places) + (slack > 0 ? slack + this.grain : 0)
    this.#looks = 0
    const bound = this.#least
    for (const task of this.#tasks) if (at.nodeOf[task] !== WAITS) at.remove(task)
    this.#open()
    this.#branch(0, 0, this.#freeValue())
    this.looks += this.#looks
    if (this.#least < bound && this.#settle() && this.#direction.valueOf(at.totals) < before + Math.max(slack, 1e-12)) {
      this.#dry = 0
      return true
    }
    if ((this.#dry += 1) > at.model.tasks && this.#allowed < MOST_LOOKS) {
      this.#allowed *= 2
      this.#dry = 0
    }
    for (const [i, task] of this.#tasks.entries()) {
      if (at.nodeOf[task] !== WAITS) at.remove(task)
      if (places[i] !== WAITS) at.place(task, places[i]!)
    }
    return false
  }

  /** Of a few random tasks, the one that pays most over its cheapest node. */
  #unhappy(): number {
    const { at } = this
    let unhappiest = 0
    let most = Number.NEGATIVE_INFINITY
    for (let tries = 0; tries < DRAWN; tries += 1) {
      const task = randomBelow(this.#rng, at.model.tasks)
      const node = at.nodeOf[task]!
      const best = this.#choices[task * CHOICES]!
      if (best === WAITS) continue
      const here =
        node === WAITS ? this.#direction.waiting(task) : pricedCost(this.#direction, this.#prices, task, node)
      const loss = here - pricedCost(this.#direction, this.#prices, task, best)
      if (loss <= most) continue
      most = loss
      unhappiest = task
    }
    return unhappiest
  }

  /** A task, its node, nodes it may want, and as many of their tasks as there is place for. */
  #pose(seed: number): void {
    const { at } = this
    const nodes = new Set<number>()
    if (at.nodeOf[seed] !== WAITS) nodes.add(at.nodeOf[seed]!)
    const wanted = 2 + randomBelow(this.#rng, MOST_NODES - 1)
    let asks = seed
    for (let tries = 0; tries < 12 && nodes.size < wanted; tries += 1) {
      const node = this.#choices[asks * CHOICES + randomBelow(this.#rng, CHOICES)]!
      if (node === WAITS) continue
      nodes.add(node)
      // On from there: what stands on the wanted node wants others in turn.
      if (this.#rng.next() < 0.5 && at.first[node]! !== WAITS) asks = this.#anyOn(node)
    }
    const members = [...nodes].flatMap((node) => tasksOn(at, node)).filter((task) => task !== seed)
    for (let i = members.length - 1; i > 0; i -= 1) {
      const j = randomBelow(this.#rng, i + 1)
      ;[members[i], members[j]] = [members[j]!, members[i]!]
    }
    this.#nodes = [...nodes]
    this.#tasks = [seed, ...members.slice(0, MOST_TASKS - 1)]
    this.#fill()
  }

  #anyOn(node: number): number {
    const { at } = this
    let task = at.first[node]!
    for (let skip = randomBelow(this.#rng, at.count[node]!); skip > 0; skip -= 1) task = at.next[task]!
    return task
  }

  #fill(): void {
    const { model } = this.at
    const size = this.#size
    const width = this.#nodes.length
    for (let j = 0; j < width; j += 1) {
      for (let d = 0; d < size; d += 1) {
        const room = this.#nodes[j]! * size + d
        this.#price[j * size + d] = model.capacity[room]! > 0 ? this.#prices[room]! / model.capacity[room]! : 0
      }
    }
    // Tasks with most to lose come first: a wrong turn shows early.
    const regret = new Map(this.#tasks.map((task) => [task, this.#regretOf(task)]))
    const [seed, ...others] = this.#tasks
    this.#tasks = [seed!, ...others.sort((a, b) => regret.get(b)! - regret.get(a)!)]
    for (const [i, task] of this.#tasks.entries()) this.#fillTask(i, task)
    this.#rest[this.#tasks.length] = 0
    for (let i = this.#tasks.length - 1; i >= 0; i -= 1) {
      this.#rest[i] = this.#rest[i + 1]! + this.#priced[i * width + this.#ranked[i * width]!]!
    }
  }

  #fillTask(i: number, task: number): void {
    const { model } = this.at
    const size = this.#size
    const width = this.#nodes.length
    for (let j = 0; j < width; j += 1) {
      const node = this.#nodes[j]!
      const pair = i * width + j
      const from = task * model.demandTaskStride + node * model.demandNodeStride
      const allowed = model.eligible[model.sortOf[task]! * model.nodes + node] === 1
      this.#cost[pair] = allowed ? this.#direction.alone(task, node) : Number.POSITIVE_INFINITY
      let priced = this.#cost[pair]
      for (let d = 0; d < size; d += 1) {
        this.#needs[pair * size + d] = model.demand[from + d]!
        priced += model.demand[from + d]! * this.#price[j * size + d]!
      }
      this.#priced[pair] = priced
      // Insertion into the few that are ranked already.
      let rank = j
      while (rank > 0 && this.#priced[i * width + this.#ranked[i * width + rank - 1]!]! > priced) {
        this.#ranked[i * width + rank] = this.#ranked[i * width + rank - 1]!
        rank -= 1
      }
      this.#ranked[i * width + rank] = j
    }
  }

  #regretOf(task: number): number {
    const { model } = this.at
    let least = Number.POSITIVE_INFINITY
    let second = Number.POSITIVE_INFINITY
    for (let j = 0; j < this.#nodes.length; j += 1) {
      const node = this.#nodes[j]!
      const from = task * model.demandTaskStride + node * model.demandNodeStride
      let priced = this.#direction.alone(task, node)
      for (let d = 0; d < this.#size; d += 1) priced += model.demand[from + d]! * this.#price[j * this.#size + d]!
      if (priced < least) {
        second = least
        least = priced
      } else if (priced < second) second = priced
    }
    return second - least
  }

  #valueOf(places: readonly number[]): number {
    let value = 0
    for (const [i, node] of places.entries()) {
      const j = this.#nodes.indexOf(node)
      value += j === -1 ? this.#direction.waiting(this.#tasks[i]!) : this.#cost[i * this.#nodes.length + j]!
    }
    return value
  }

  #open(): void {
    const size = this.#size
    for (let j = 0; j < this.#nodes.length; j += 1) {
      for (let d = 0; d < size; d += 1) this.#room[j * size + d] = this.at.free[this.#nodes[j]! * size + d]!
    }
  }

  #freeValue(): number {
    let value = 0
    for (let at = 0; at < this.#nodes.length * this.#size; at += 1) value += this.#room[at]! * this.#price[at]!
    return value
  }

  /** `spent` is what tasks before `i` add with their room paid for; `free` what all the room is worth. */
  #branch(i: number, spent: number, free: number): void {
    const size = this.#size
    const width = this.#nodes.length
    const tasks = this.#tasks.length
    if (i === tasks) {
      let value = 0
      for (let k = 0; k < tasks; k += 1) value += this.#cost[k * width + this.#chosen[k]!]!
      if (value >= this.#least) return
      this.#least = value
      this.#best.set(this.#chosen)
      return
    }
    for (let rank = 0; rank < width; rank += 1) {
      const j = this.#ranked[i * width + rank]!
      const pair = i * width + j
      // Room paid for and left unused comes back at the end: what is spent, less what all room is worth, is a lower bound.
      if (spent + this.#priced[pair]! + this.#rest[i + 1]! - free >= this.#least - this.grain) return
      if (i === 0 && j === this.#barred) continue
      if (!this.#fits(pair, j)) continue
      if ((this.#looks += 1) > this.#allowed) return
      for (let d = 0; d < size; d += 1) this.#room[j * size + d]! -= this.#needs[pair * size + d]!
      this.#chosen[i] = j
      this.#branch(i + 1, spent + this.#priced[pair]!, free)
      for (let d = 0; d < size; d += 1) this.#room[j * size + d]! += this.#needs[pair * size + d]!
    }
  }

  #fits(pair: number, j: number): boolean {
    const size = this.#size
    for (let d = 0; d < size; d += 1) if (this.#needs[pair * size + d]! > this.#room[j * size + d]!) return false
    return true
  }

  /** Puts the tasks where the search says; whether the rules let all of them. */
  #settle(): boolean {
    const { at } = this
    for (const [i, task] of this.#tasks.entries()) {
      const node = this.#nodes[this.#best[i]!]!
      if (!at.fits(task, node)) return false
      at.place(task, node)
    }
    return true
  }
}

/** Where all costs are whole numbers, so are their sums: a bound just above one number is as good as the next. */
function grainOf({ model, weights }: Direction): number {
  if (!model.pairCost?.every((cost) => Number.isInteger(cost))) return 0
  return weights[COST]! * (1 - 1e-6)
}
