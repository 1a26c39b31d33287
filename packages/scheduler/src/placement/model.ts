/**
 * What a placement is judged by, every one to be small. The first three are the scheduler's own; the others are there for
 * who asks for them. An objective's number is its place in every vector of six.
 */
export const OBJECTIVES = ['lateness', 'cost', 'energy', 'moves', 'fragmentation', 'concentration'] as const
export type ObjectiveName = (typeof OBJECTIVES)[number]

export const LATENESS = 0
export const COST = 1
export const ENERGY = 2
export const MOVES = 3
export const FRAGMENTATION = 4
export const CONCENTRATION = 5

/** What each objective is counted in, as people read it. */
export const OBJECTIVE_UNITS: Readonly<Record<ObjectiveName, string>> = {
  lateness: 'tier-weighted hours',
  cost: 'price units',
  energy: 'watt-hours',
  moves: 'moved tasks',
  fragmentation: 'nodes of stranded room',
  concentration: 'pairs of one job in one failure domain',
}

/** No node: the task goes on waiting. */
export const WAITS = -1

export const MS_PER_HOUR = 3_600_000

/**
 * One static placement problem in flat arrays: n tasks, m nodes, D dimensions of room. Everything a search asks for lies in
 * arrays of numbers, so a step costs tens of nanoseconds.
 *
 * A task on a node takes `hours x slowness` hours, and longer by the node's contention. It costs those hours times the rates
 * of cores and GPUs; it draws those hours times the watts of cores and GPUs, and a node that runs anything draws its idle
 * watts for the horizon. Where costs and uses belong to pairs instead, as in generalised assignment, `pairCost` and a node
 * stride in `demand` say so.
 */
export interface PlacementModel {
  readonly tasks: number
  readonly nodes: number
  /** Dimensions of room, those nobody asks for left out. The first is the one a node's load is measured in. */
  readonly dimensions: readonly string[]
  /** Objectives the front is kept over. */
  readonly objectives: readonly ObjectiveName[]

  /** What a task takes on a node: at `task * demandTaskStride + node * demandNodeStride + dimension`. */
  readonly demand: Float64Array
  readonly demandTaskStride: number
  readonly demandNodeStride: number
  /** What all tasks of the model together may take: at `node * D + dimension`. */
  readonly capacity: Float64Array
  /** One over the whole of the node in the first dimension, use by others counted: load is `1 - free * inverse`. */
  readonly inverseTotal: Float64Array

  /** Tasks of one sort may go to the same nodes. */
  readonly sortOf: Int32Array
  readonly sorts: number
  /** 1 where a sort may go to a node: at `sort * m + node`. */
  readonly eligible: Uint8Array
  /** The same as lists: nodes of sort s are `eligibleNodes[eligibleStart[s] .. eligibleStart[s + 1]]`. */
  readonly eligibleNodes: Int32Array
  readonly eligibleStart: Int32Array
  /** 1 where at least one empty node could hold the task. */
  readonly placeable: Uint8Array

  /** Cores and whole GPUs a task is charged and powered for. */
  readonly cores: Float64Array
  readonly gpus: Float64Array
  /** Estimated run time on a node of slowness 1, in hours. */
  readonly hours: Float64Array
  /** What an hour of its lateness weighs: tier, and how much of its promise it has waited away. */
  readonly weight: Float64Array
  /** Where it runs now, or `WAITS`; and the hours that moving it away costs. */
  readonly heldBy: Int32Array
  readonly moveHours: Float64Array
  /** The job, for crossover, the order of arrival and concentration. */
  readonly groupOf: Int32Array
  readonly groups: number
  /** 0 for the best tier. */
  readonly tierOf: Uint8Array
  /** How long it has waited, in hours. */
  readonly waited: Float64Array

  readonly slowness: Float64Array
  /** Price of a core and of a GPU for an hour. */
  readonly corePrice: Float64Array
  readonly gpuPrice: Float64Array
  /** Watts a busy core and a busy GPU add. */
  readonly coreWatts: Float64Array
  readonly gpuWatts: Float64Array
  /** Watt-hours that a node draws over the horizon because it is on; 0 where others keep it on anyway. */
  readonly idleEnergy: Float64Array
  /** How much longer a run takes on a full node than on an idle one: run time x (1 + contention x load²). */
  readonly contention: number
  readonly horizonHours: number

  /** Costs of pairs, at `task * m + node`; instead of what the rates say. */
  readonly pairCost: Float64Array | undefined

  /** What a task that waits is charged: at `task * 6 + objective`. At least what running it later would come to. */
  readonly waitCharge: Float64Array

  /** Zones by level, at `level * m + node`: the node itself, its owner, its failure domain. */
  readonly zoneOf: Int32Array
  readonly domains: number
  /** Rules of a task: `ruleOf[ruleStart[t] .. ruleStart[t + 1]]`. */
  readonly ruleStart: Int32Array
  readonly ruleOf: Int32Array
  readonly rules: readonly ModelRule[]
  /** A few shapes that stand for all tasks, with their shares: what fragmentation asks whether it still fits. */
  readonly typical: readonly { readonly demand: Float64Array; readonly share: number }[]
}

/** Tasks that must not share a zone, or must all be in one. */
export interface ModelRule {
  readonly kind: 'apart' | 'together'
  /** 0 the node itself, 1 its owner, 2 its failure domain. */
  readonly level: number
  /** How many at most share a zone that is kept apart. */
  readonly most: number
  readonly members: Int32Array
  /** Nodes of those that are no part of the problem. */
  readonly beside: Int32Array
}

/** Whether there is a node in whose empty room the task fits. */
export function fitsEmpty(model: PlacementModel, task: number, node: number): boolean {
  const { demand, demandTaskStride, demandNodeStride, capacity, dimensions } = model
  const from = task * demandTaskStride + node * demandNodeStride
  for (let d = 0; d < dimensions.length; d += 1) {
    if (demand[from + d]! > capacity[node * dimensions.length + d]!) return false
  }
  return true
}

/** Lists of eligible nodes from the mask. */
export function eligibleLists(eligible: Uint8Array, sorts: number, nodes: number) {
  const eligibleStart = new Int32Array(sorts + 1)
  const list: number[] = []
  for (let sort = 0; sort < sorts; sort += 1) {
    for (let node = 0; node < nodes; node += 1) if (eligible[sort * nodes + node] === 1) list.push(node)
    eligibleStart[sort + 1] = list.length
  }
  return { eligibleNodes: Int32Array.from(list), eligibleStart }
}
