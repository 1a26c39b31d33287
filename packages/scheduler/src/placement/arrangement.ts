import { assert } from '@fog/kernel'
import { CONCENTRATION, COST, ENERGY, FRAGMENTATION, LATENESS, MOVES, type PlacementModel, WAITS } from './model.ts'
import { strandedRoom } from './stranded-room.ts'

/** Objectives in a vector. */
export const WIDTH = 6

/**
 * Every task on a node or waiting, with all that follows from it kept up to date: room, loads, lists of tasks, totals of
 * the objectives. `place` and `remove` cost a few dozen operations whatever the size of the problem.
 */
export class Arrangement {
  readonly model: PlacementModel
  /** Node of each task, or `WAITS`. Changed by `place` and `remove` only. */
  readonly nodeOf: Int32Array
  /** Room left: at `node * D + dimension`. */
  readonly free: Float64Array
  readonly count: Int32Array
  /** Weighted hours on each node, before contention. */
  readonly burden: Float64Array
  /** 1 + contention x load² of each node. */
  readonly stretch: Float64Array
  /** Totals of all six objectives. Those the model does not keep a front over may stay 0. */
  readonly totals = new Float64Array(WIDTH)
  /** Tasks on a node: `first[node]`, then `next[task]`, ended by -1. */
  readonly first: Int32Array
  readonly next: Int32Array
  readonly #before: Int32Array
  /** Tasks of a group in a failure domain; empty unless concentration is asked for. */
  readonly #together: Int32Array
  readonly #stranded: Float64Array
  readonly keepsConcentration: boolean
  readonly keepsFragmentation: boolean

  constructor(model: PlacementModel) {
    const { tasks, nodes } = model
    this.model = model
    this.nodeOf = new Int32Array(tasks).fill(WAITS)
    this.free = model.capacity.slice()
    this.count = new Int32Array(nodes)
    this.burden = new Float64Array(nodes)
    this.stretch = new Float64Array(nodes)
    this.first = new Int32Array(nodes)
    this.next = new Int32Array(tasks)
    this.#before = new Int32Array(tasks)
    this.keepsConcentration = model.objectives.includes('concentration')
    this.keepsFragmentation = model.objectives.includes('fragmentation')
    this.#together = new Int32Array(this.keepsConcentration ? model.groups * model.domains : 0)
    this.#stranded = new Float64Array(this.keepsFragmentation ? nodes : 0)
    this.clear()
  }

  /** Everything waits. */
  clear(): void {
    const { model, totals } = this
    this.nodeOf.fill(WAITS)
    this.free.set(model.capacity)
    this.count.fill(0)
    this.burden.fill(0)
    this.first.fill(-1)
    this.#together.fill(0)
    totals.fill(0)
    for (let at = 0; at < model.waitCharge.length; at += 1) totals[at % WIDTH]! += model.waitCharge[at]!
    for (let node = 0; node < model.nodes; node += 1) {
      this.stretch[node] = this.#stretchOf(node)
      if (this.keepsFragmentation) {
        this.#stranded[node] = strandedRoom(model, this.free, node)
        totals[FRAGMENTATION]! += this.#stranded[node]!
      }
    }
  }

  /** Takes over another's assignment, which has to be feasible. */
  load(nodeOf: Int32Array): void {
    this.clear()
    for (let task = 0; task < nodeOf.length; task += 1) if (nodeOf[task] !== WAITS) this.place(task, nodeOf[task]!)
  }

  /** Whether the task, which now waits, may be placed on the node: room, sort and rules. */
  fits(task: number, node: number): boolean {
    const { model } = this
    if (model.eligible[model.sortOf[task]! * model.nodes + node] === 0) return false
    return this.hasRoom(task, node) && this.obeysRules(task, node)
  }

  hasRoom(task: number, node: number): boolean {
    const { demand, demandTaskStride, demandNodeStride, dimensions } = this.model
    const size = dimensions.length
    const from = task * demandTaskStride + node * demandNodeStride
    const at = node * size
    for (let d = 0; d < size; d += 1) if (demand[from + d]! > this.free[at + d]!) return false
    return true
  }

  /** Whether the rules about other tasks allow it there, wherever it is now. */
  obeysRules(task: number, node: number): boolean {
    const { ruleStart, ruleOf } = this.model
    const end = ruleStart[task + 1]!
    for (let at = ruleStart[task]!; at < end; at += 1) if (!this.#obeys(ruleOf[at]!, task, node)) return false
    return true
  }

  #obeys(rule: number, task: number, node: number): boolean {
    const { zoneOf, nodes, rules } = this.model
    const { kind, level, most, members, beside } = rules[rule]!
    const zone = zoneOf[level * nodes + node]
    let all = beside.length
    let here = 0
    for (const where of beside) if (zoneOf[level * nodes + where] === zone) here += 1
    for (const other of members) {
      const where = this.nodeOf[other]!
      if (other === task || where === WAITS) continue
      all += 1
      if (zoneOf[level * nodes + where] === zone) here += 1
    }
    return kind === 'apart' ? here < most : here === all
  }

  /** Hours the task would run on the node, moving included, contention not. */
  hoursOn(task: number, node: number): number {
    const { hours, heldBy, moveHours, slowness } = this.model
    const held = heldBy[task]!
    return (held === WAITS || held === node ? hours[task]! : hours[task]! + moveHours[task]!) * slowness[node]!
  }

  /** Puts a waiting task on a node that has room for it. */
  place(task: number, node: number): void {
    assert(this.nodeOf[task] === WAITS, 'only a task that waits is placed')
    this.#charge(task, node, 1)
    this.nodeOf[task] = node
    const head = this.first[node]!
    this.next[task] = head
    this.#before[task] = -1
    if (head !== -1) this.#before[head] = task
    this.first[node] = task
  }

  /** Takes a task off its node: it waits. */
  remove(task: number): void {
    const node = this.nodeOf[task]!
    assert(node !== WAITS, 'a task that waits is on no node')
    const before = this.#before[task]!
    const after = this.next[task]!
    if (before === -1) this.first[node] = after
    else this.next[before] = after
    if (after !== -1) this.#before[after] = before
    this.nodeOf[task] = WAITS
    this.#charge(task, node, -1)
  }

  move(task: number, to: number): void {
    if (this.nodeOf[task] !== WAITS) this.remove(task)
    this.place(task, to)
  }

  /** Adds a task to a node's books, or with `sign` -1 takes it out of them. */
  #charge(task: number, node: number, sign: 1 | -1): void {
    const { model, totals, free, burden, stretch, count } = this
    const { demand, demandTaskStride, demandNodeStride, dimensions } = model
    const size = dimensions.length
    const from = task * demandTaskStride + node * demandNodeStride
    for (let d = 0; d < size; d += 1) free[node * size + d]! -= sign * demand[from + d]!
    const hours = this.hoursOn(task, node)
    const before = burden[node]! * stretch[node]!
    count[node]! += sign
    // An empty node starts from exact zero again: what is added and taken out must not leave dust.
    burden[node] = count[node] === 0 ? 0 : burden[node]! + sign * model.weight[task]! * hours
    stretch[node] = this.#stretchOf(node)
    totals[LATENESS]! += burden[node] * stretch[node] - before
    totals[COST]! += sign * this.costOn(task, node, hours)
    totals[ENERGY]! +=
      sign * hours * (model.cores[task]! * model.coreWatts[node]! + model.gpus[task]! * model.gpuWatts[node]!)
    if (count[node] === (sign === 1 ? 1 : 0)) totals[ENERGY]! += sign * model.idleEnergy[node]!
    if (model.heldBy[task] !== WAITS && model.heldBy[task] !== node) totals[MOVES]! += sign
    for (let k = 0; k < WIDTH; k += 1) totals[k]! -= sign * model.waitCharge[task * WIDTH + k]!
    if (this.keepsFragmentation) this.#chargeStranded(node)
    if (this.keepsConcentration) this.#chargeTogether(task, node, sign)
  }

  costOn(task: number, node: number, hours: number): number {
    const { pairCost, nodes, cores, corePrice, gpus, gpuPrice } = this.model
    if (pairCost) return pairCost[task * nodes + node]!
    return hours * (cores[task]! * corePrice[node]! + gpus[task]! * gpuPrice[node]!)
  }

  #stretchOf(node: number): number {
    const { contention, inverseTotal, dimensions } = this.model
    const load = 1 - this.free[node * dimensions.length]! * inverseTotal[node]!
    return 1 + contention * load * load
  }

  #chargeStranded(node: number): void {
    const now = strandedRoom(this.model, this.free, node)
    this.totals[FRAGMENTATION]! += now - this.#stranded[node]!
    this.#stranded[node] = now
  }

  #chargeTogether(task: number, node: number, sign: 1 | -1): void {
    const at = this.#togetherAt(task, node)
    const others = this.#together[at]! - (sign === 1 ? 0 : 1)
    this.totals[CONCENTRATION]! += sign * others
    this.#together[at]! += sign
  }

  #togetherAt(task: number, node: number): number {
    const { groupOf, domains, zoneOf, nodes } = this.model
    return groupOf[task]! * domains + zoneOf[2 * nodes + node]!
  }

  /** How many tasks of its group are in the node's failure domain; 0 unless concentration is kept. */
  companions(task: number, node: number): number {
    if (!this.keepsConcentration) return 0
    const here = this.nodeOf[task]!
    const { zoneOf, nodes } = this.model
    const itself = here !== WAITS && zoneOf[2 * nodes + here] === zoneOf[2 * nodes + node] ? 1 : 0
    return this.#together[this.#togetherAt(task, node)]! - itself
  }

  /** Room of the node that would be stranded with (`sign` 1) or without (-1) the task, over what is now. */
  strandedChange(task: number, node: number, sign: 1 | -1): number {
    const { demand, demandTaskStride, demandNodeStride, dimensions } = this.model
    const size = dimensions.length
    const from = task * demandTaskStride + node * demandNodeStride
    for (let d = 0; d < size; d += 1) this.free[node * size + d]! -= sign * demand[from + d]!
    const changed = strandedRoom(this.model, this.free, node)
    for (let d = 0; d < size; d += 1) this.free[node * size + d]! += sign * demand[from + d]!
    const now = this.keepsFragmentation ? this.#stranded[node]! : strandedRoom(this.model, this.free, node)
    return changed - now
  }
}
