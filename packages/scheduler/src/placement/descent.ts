import type { Rng } from '@fog/kernel'
import { randomBelow } from '@fog/kernel'
import type { Arrangement } from './arrangement.ts'
import { findBestNode, type Found } from './best-node.ts'
import type { Direction } from './direction.ts'
import { type PlacementModel, WAITS } from './model.ts'

/** Smaller gains are rounding. */
const GAIN = 1e-12

/** How many full nodes are weighed for a task that would like to leave, and how many of the best one's tasks may make room. */
const WANTED = 8
const EJECTIONS = 4

/** A node with more tasks is not emptied: one of them would stay. */
const MOST_EMPTIED = 24

/**
 * Walks an arrangement downhill along a direction: best moves, ejection chains (a task takes the room of another, which
 * takes room elsewhere; a swap is the shortest) and nodes emptied as a whole. Every step stays feasible and lowers the
 * weighted sum, but for one: what waits is placed as soon as it fits. `looks` counts the placements weighed.
 */
export class Descent {
  readonly at: Arrangement
  readonly #model: PlacementModel
  readonly #rng: Rng
  readonly #onStep: () => void
  looks = 0
  readonly #found: Found = { node: WAITS, change: 0 }

  /** `onStep` hears of every arrangement on the way, each better than the one before. */
  constructor(at: Arrangement, rng: Rng, onStep: () => void = () => {}) {
    this.at = at
    this.#onStep = onStep
    this.#model = at.model
    this.#rng = rng
  }

  /**
   * The best node for a task as if it were taken off its own, which `except` leaves out. The answer stands in `#found`
   * until the next call.
   */
  #findBest(direction: Direction, task: number, except: number, bound = Number.POSITIVE_INFINITY): boolean {
    this.looks += findBestNode(direction, this.at, task, except, bound, this.#found)
    return this.#found.node !== WAITS
  }

  /** Puts a waiting task where it adds least; whether there was room. */
  insert(direction: Direction, task: number): boolean {
    if (!this.#findBest(direction, task, WAITS)) return false
    this.at.place(task, this.#found.node)
    return true
  }

  /** Finds places for tasks that lost theirs, those that weigh most first; what finds none waits. */
  repair(direction: Direction, tasks: readonly number[]): void {
    const { weight, hours } = this.#model
    const lost = tasks.filter((task) => this.at.nodeOf[task] === WAITS)
    lost.sort((a, b) => weight[b]! * hours[b]! - weight[a]! * hours[a]!)
    for (const task of lost) if (!this.insert(direction, task)) this.eject(direction, task)
  }

  /** Moves a task to the node that lowers the sum most, if any does. */
  improve(direction: Direction, task: number): boolean {
    const here = this.at.nodeOf[task]!
    if (here === WAITS) return this.insert(direction, task)
    const gain = direction.removing(this.at, task)
    // A place has to be better than its own by more than rounding.
    if (!this.#findBest(direction, task, here, -gain - GAIN)) return false
    this.at.move(task, this.#found.node)
    return true
  }

  /**
   * Moves a task to a node that it would like better but that is full, and what stands in its way elsewhere: at worst to
   * the tasks that wait, when it weighs less.
   */
  eject(direction: Direction, task: number): boolean {
    const { at } = this
    const { eligibleNodes, eligibleStart, sortOf } = this.#model
    const here = at.nodeOf[task]!
    const gain = here === WAITS ? -direction.waiting(task) : direction.removing(at, task)
    const sort = sortOf[task]!
    const from = eligibleStart[sort]!
    const size = eligibleStart[sort + 1]! - from
    let wanted = WAITS
    let best = -GAIN
    for (let tries = 0; tries < WANTED; tries += 1) {
      const node = eligibleNodes[from + randomBelow(this.#rng, size)]!
      if (node === here || at.count[node] === 0) continue
      const change = gain + direction.placing(at, task, node)
      if (change < best) {
        best = change
        wanted = node
      }
    }
    this.looks += WANTED
    return wanted !== WAITS && this.#makeRoom(direction, task, wanted)
  }

  #makeRoom(direction: Direction, task: number, node: number): boolean {
    const { at } = this
    let other = at.first[node]!
    for (let tries = 0; tries < EJECTIONS && other !== WAITS; tries += 1) {
      const following = at.next[other]!
      if (this.#fitsInstead(task, other, node) && this.#replace(direction, task, other)) return true
      other = following
    }
    return false
  }

  /** Puts the task in the other's place and the other where it costs least, if that lowers the sum. */
  #replace(direction: Direction, task: number, other: number): boolean {
    const { at } = this
    const here = at.nodeOf[task]!
    const node = at.nodeOf[other]!
    const before = direction.valueOf(at.totals)
    if (here !== WAITS) at.remove(task)
    at.remove(other)
    if (at.fits(task, node)) {
      at.place(task, node)
      const found = this.insert(direction, other)
      if (direction.valueOf(at.totals) < before - GAIN) return true
      if (found) at.remove(other)
      at.remove(task)
    }
    at.place(other, node)
    if (here !== WAITS) at.place(task, here)
    return false
  }

  /** Whether the room of `other` and what is free beside it would hold the task. */
  #fitsInstead(task: number, other: number, node: number): boolean {
    const { demand, demandTaskStride, demandNodeStride, dimensions } = this.#model
    const size = dimensions.length
    const column = node * demandNodeStride
    for (let d = 0; d < size; d += 1) {
      const room = this.at.free[node * size + d]! + demand[other * demandTaskStride + column + d]!
      if (demand[task * demandTaskStride + column + d]! > room) return false
    }
    return true
  }

  /** Empties a node if its tasks together cost less elsewhere; else everything stays as it was. */
  empty(direction: Direction, node: number): boolean {
    const { at } = this
    if (at.count[node] === 0 || at.count[node]! > MOST_EMPTIED) return false
    const before = direction.valueOf(at.totals)
    const members = tasksOn(at, node)
    for (const task of members) at.remove(task)
    let moved = 0
    while (moved < members.length && this.#findBest(direction, members[moved]!, node)) {
      at.place(members[moved]!, this.#found.node)
      moved += 1
    }
    if (moved === members.length && direction.valueOf(at.totals) < before - GAIN) return true
    for (let i = 0; i < moved; i += 1) at.remove(members[i]!)
    for (const task of members) at.place(task, node)
    return false
  }

  /** Goes over the tasks, so many `rounds` at most, until nothing lowers the sum any more. */
  settle(direction: Direction, tasks: Int32Array, rounds: number): void {
    const size = tasks.length
    if (size === 0) return
    const offset = randomBelow(this.#rng, size)
    let quiet = 0
    for (let step = 0; step < rounds * size && quiet < size; step += 1) {
      const task = tasks[(offset + step) % size]!
      const moved = this.improve(direction, task) || this.eject(direction, task)
      quiet = moved ? 0 : quiet + 1
      if (moved) this.#onStep()
    }
  }

  /** Tries to empty so many nodes, from a random one on. */
  emptySome(direction: Direction, tries: number): void {
    const { nodes } = this.#model
    const start = randomBelow(this.#rng, nodes)
    for (let step = 0; step < tries; step += 1) if (this.empty(direction, (start + step) % nodes)) this.#onStep()
  }
}

/** The tasks on a node, as a list of their own. */
export function tasksOn(at: Arrangement, node: number): number[] {
  const members: number[] = []
  for (let task = at.first[node]!; task !== -1; task = at.next[task]!) members.push(task)
  return members
}
