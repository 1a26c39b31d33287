import { type Arrangement, WIDTH } from './arrangement.ts'
import {
  CONCENTRATION,
  COST,
  ENERGY,
  FRAGMENTATION,
  LATENESS,
  MOVES,
  OBJECTIVES,
  type PlacementModel,
  WAITS,
} from './model.ts'

/** Vectors of weights that sum to 1, on a lattice with so many steps to a side: 3 objectives and 10 steps give 66. */
export function latticeWeights(objectives: number, steps: number): Float64Array[] {
  if (objectives === 1) return [Float64Array.of(1)]
  const found: Float64Array[] = []
  const fill = (parts: number[], left: number) => {
    if (parts.length === objectives - 1) {
      found.push(Float64Array.from([...parts, left], (part) => part / steps))
      return
    }
    // There and back again, so that neighbours in the list are neighbours on the lattice.
    const backwards = parts.length > 0 && parts.at(-1)! % 2 === 1
    for (let at = 0; at <= left; at += 1)
      fill([...parts, backwards ? left - at : at], left - (backwards ? left - at : at))
  }
  fill([], steps)
  return found
}

/** Steps to a side of the lattice that gives about as many weights as the 66 of three objectives. */
export function latticeSteps(objectives: number): number {
  return [0, 0, 65, 10, 6, 4, 3][objectives] ?? 2
}

/**
 * One way to weigh the objectives against each other, made ready for a model: a single number falls where the weighted sum
 * falls. All changes are exact, and cost a few dozen operations.
 */
export class Direction {
  readonly model: PlacementModel
  /** Of all six objectives, scales included. */
  readonly weights = new Float64Array(WIDTH)
  readonly coreRate: Float64Array
  readonly gpuRate: Float64Array
  readonly idle: Float64Array
  /** Whether moves, fragmentation or concentration weigh anything. */
  readonly hasExtras: boolean
  readonly #own: Float64Array

  /** `weights` are in the order of the model's objectives, and divided by `scales`, which are too. */
  constructor(model: PlacementModel, weights: Float64Array, scales: Float64Array) {
    this.model = model
    this.#own = weights.map((weight, at) => Math.max(weight, 1e-6) / scales[at]!)
    for (const [at, name] of model.objectives.entries()) {
      // A trace of every objective: of two equal points the one that is better elsewhere wins.
      this.weights[OBJECTIVES.indexOf(name)] = this.#own[at]!
    }
    const { weights: by } = this
    this.coreRate = model.corePrice.map((price, node) => by[COST]! * price + by[ENERGY]! * model.coreWatts[node]!)
    this.gpuRate = model.gpuPrice.map((price, node) => by[COST]! * price + by[ENERGY]! * model.gpuWatts[node]!)
    this.idle = model.idleEnergy.map((energy) => by[ENERGY]! * energy)
    this.hasExtras = by[MOVES]! + by[FRAGMENTATION]! + by[CONCENTRATION]! > 0
  }

  /** The weighted sum of a vector of six. */
  valueOf(totals: Float64Array): number {
    let value = 0
    for (let k = 0; k < WIDTH; k += 1) value += this.weights[k]! * totals[k]!
    return value
  }

  /** The weighted sum of a vector in the order of the model's objectives. */
  sumOf(values: Float64Array): number {
    let sum = 0
    for (let k = 0; k < values.length; k += 1) sum += this.#own[k]! * values[k]!
    return sum
  }

  /** What placing the task on the node changes, its waiting apart. The task may be on another node meanwhile. */
  placing(at: Arrangement, task: number, node: number): number {
    const { model, weights } = this
    const hours = at.hoursOn(task, node)
    let change = this.#share(task, node, hours)
    if (model.contention !== 0 || model.weight[task]! !== 0) {
      const burden = at.burden[node]!
      const load = this.#loadWith(at, task, node, 1)
      const stretch = 1 + model.contention * load * load
      change += weights[LATENESS]! * ((burden + model.weight[task]! * hours) * stretch - burden * at.stretch[node]!)
    }
    if (at.count[node] === 0) change += this.idle[node]!
    return this.hasExtras ? change + this.#extras(at, task, node, 1) : change
  }

  /** What taking the task off its node changes, its waiting apart. */
  removing(at: Arrangement, task: number): number {
    const { model, weights } = this
    const node = at.nodeOf[task]!
    const hours = at.hoursOn(task, node)
    let change = -this.#share(task, node, hours)
    if (model.contention !== 0 || model.weight[task]! !== 0) {
      const burden = at.burden[node]!
      const load = this.#loadWith(at, task, node, -1)
      const stretch = 1 + model.contention * load * load
      change += weights[LATENESS]! * ((burden - model.weight[task]! * hours) * stretch - burden * at.stretch[node]!)
    }
    if (at.count[node] === 1) change -= this.idle[node]!
    return this.hasExtras ? change + this.#extras(at, task, node, -1) : change
  }

  /** What the task would add on the node if it had it for itself and shared in its idle watts. For bounds and prices. */
  alone(task: number, node: number): number {
    const { model, weights } = this
    const hours = (model.hours[task]! + model.moveHours[task]!) * model.slowness[node]!
    const taken = model.demand[task * model.demandTaskStride + node * model.demandNodeStride]!
    const idle = this.idle[node]! * taken * model.inverseTotal[node]!
    return this.#share(task, node, hours) + weights[LATENESS]! * model.weight[task]! * hours + idle
  }

  /** What waiting adds. */
  waiting(task: number): number {
    let sum = 0
    for (let k = 0; k < WIDTH; k += 1) sum += this.weights[k]! * this.model.waitCharge[task * WIDTH + k]!
    return sum
  }

  /** What changes when two tasks on two nodes change places. Not for extras, whose parts may depend on each other. */
  swapping(at: Arrangement, task: number, other: number): number {
    const here = at.nodeOf[task]!
    const there = at.nodeOf[other]!
    return this.#exchanging(at, here, task, other) + this.#exchanging(at, there, other, task)
  }

  /** What changes on one node when `leaving` goes and `coming` comes. */
  #exchanging(at: Arrangement, node: number, leaving: number, coming: number): number {
    const { model, weights } = this
    const less = at.hoursOn(leaving, node)
    const more = at.hoursOn(coming, node)
    const change = this.#share(coming, node, more) - this.#share(leaving, node, less)
    if (model.contention === 0 && model.weight[leaving] === 0 && model.weight[coming] === 0) return change
    const { demand, demandTaskStride, demandNodeStride, inverseTotal, dimensions } = model
    const column = node * demandNodeStride
    const taken = demand[coming * demandTaskStride + column]! - demand[leaving * demandTaskStride + column]!
    const load = 1 - (at.free[node * dimensions.length]! - taken) * inverseTotal[node]!
    const stretch = 1 + model.contention * load * load
    const burden = at.burden[node]!
    const after = burden - model.weight[leaving]! * less + model.weight[coming]! * more
    return change + weights[LATENESS]! * (after * stretch - burden * at.stretch[node]!)
  }

  /** What goes by task and node alone: cost and the energy of work. */
  #share(task: number, node: number, hours: number): number {
    const { model, weights } = this
    if (model.pairCost) return weights[COST]! * model.pairCost[task * model.nodes + node]!
    return hours * (model.cores[task]! * this.coreRate[node]! + model.gpus[task]! * this.gpuRate[node]!)
  }

  #loadWith(at: Arrangement, task: number, node: number, sign: 1 | -1): number {
    const { demand, demandTaskStride, demandNodeStride, inverseTotal, dimensions } = this.model
    const taken = sign * demand[task * demandTaskStride + node * demandNodeStride]!
    return 1 - (at.free[node * dimensions.length]! - taken) * inverseTotal[node]!
  }

  #extras(at: Arrangement, task: number, node: number, sign: 1 | -1): number {
    const { model, weights } = this
    let change = 0
    const held = model.heldBy[task]!
    if (held !== WAITS && held !== node) change += sign * weights[MOVES]!
    if (weights[FRAGMENTATION]! > 0) change += weights[FRAGMENTATION]! * at.strandedChange(task, node, sign)
    if (weights[CONCENTRATION]! > 0) change += sign * weights[CONCENTRATION]! * at.companions(task, node)
    return change
  }
}
