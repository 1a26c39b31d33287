import type { Tier } from '../tier.ts'
import type { ObjectiveName } from './model.ts'

/**
 * One question to the placement engine as plain data: numbers, strings and arrays, so that it can be sent to a worker thread
 * as it is. Nodes, sorts and tasks are named by their place in these lists.
 */
export interface PlanRequest {
  readonly nodes: readonly PlanNode[]
  /** For each sort of task, the nodes that its tasks may go to: labels, residency, round trip, circuits, owner. */
  readonly sorts: readonly (readonly number[])[]
  readonly tasks: readonly PlanTask[]
  readonly rules?: readonly PlanRule[] | undefined
  /** Tasks that are placed all or not at all, by their places in `tasks`. */
  readonly gangs?: readonly (readonly number[])[] | undefined
  /** Lateness, cost and energy unless said otherwise. */
  readonly objectives?: readonly ObjectiveName[] | undefined
  /** For how long the plan is thought to hold: idle nodes are charged for it, and who waits now waits as long. */
  readonly horizonMs: number
  /** How much longer a run takes on a full node than on an idle one; `CONTENTION` unless said otherwise. */
  readonly contention?: number | undefined
}

/** What a node offers in one hour, and what it draws. */
export interface NodeTerms {
  /** Price of one core for an hour, in the market's unit. */
  readonly corePrice: number
  readonly gpuPrice: number
  /** Watts while it is on and does nothing. */
  readonly idleWatts: number
  /** Watts that a busy core, and a busy GPU, add. */
  readonly coreWatts: number
  readonly gpuWatts: number
  /** Of work done in an hour, over the reference node. */
  readonly speed: number
}

export interface PlanNode extends NodeTerms {
  readonly nodeId: string
  /** What is free beside all that the request's own tasks hold there. */
  readonly free: PlanRoom
  /** Cores of `free`, in thousandths, that only Platinum may take. */
  readonly keptCpuMilli?: number | undefined
  /** Tasks it takes beside those, held ones of the request not counted. */
  readonly slots: number
  /** All cores it lends, in thousandths: its load is what is taken of these. */
  readonly totalCpuMilli: number
  /** Whether work that is not part of the request keeps it on. */
  readonly isOn: boolean
  /** Whoever owns it, and what would fail together with it; any text. */
  readonly owner: string
  readonly domain: string
}

export interface PlanRoom {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly diskBytes: number
  /** In thousandths of a device. */
  readonly gpuMilli: number
}

export interface PlanTask extends PlanRoom {
  readonly taskId: string
  /** The job, or whatever belongs together. */
  readonly group: string
  readonly tier: Tier
  /** Place in `sorts`; the node that holds the task is among them. */
  readonly sort: number
  /** How long it has waited so far. */
  readonly waitedMs: number
  /** Estimated run time on a node of speed 1; what is left of it where it runs. */
  readonly runMs: number
  /** The node that holds it now. It may move, and always may stay. */
  readonly heldBy?: number | undefined
  /** Run time that moving it away costs. */
  readonly moveMs?: number | undefined
}

export interface PlanRule {
  /** `apart`: no more than `most` of them in one zone, 1 unless said otherwise. `together`: all in one. */
  readonly kind: 'apart' | 'together'
  readonly level: 'node' | 'owner' | 'domain'
  readonly most?: number | undefined
  /** Places in `tasks`. */
  readonly tasks: readonly number[]
  /** Nodes where others of them run that are no part of the request, one for each. */
  readonly beside?: readonly number[] | undefined
}
