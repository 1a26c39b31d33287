import type { NodeId } from '@fog/kernel'
import type { Reach, Resources } from '../node.ts'

export const ROUTING_STRATEGIES = [
  'round_robin',
  'least_loaded',
  'affinity_based',
  'proximity_based',
  'privacy_aware',
] as const
export type RoutingStrategy = (typeof ROUTING_STRATEGIES)[number]

/** What routing knows of a node that could take the task. */
export interface RouteCandidate {
  readonly nodeId: NodeId
  readonly capacity: Resources
  /** Capacity that no reservation holds. */
  readonly free: Resources
  /** Round trip as measured; undefined until it was. */
  readonly latencyMs?: number | undefined
  /** `region` is the one that counts here. */
  readonly labels: Readonly<Record<string, string>>
  /** SHA-256, hex, of the programs and inputs it has. */
  readonly warm: ReadonlySet<string>
  /** Network it is seen from, such as `203.0.113.0/24`. */
  readonly networkPrefix?: string | undefined
  /** Whether it can be reached through circuits. */
  readonly circuits: boolean
  /** The way it is connected by; directly unless said. */
  readonly reach?: Reach | undefined
}

/** What is to be routed. */
export interface RouteRequest {
  /** What the task takes of the node. */
  readonly wants: Resources
  /** Program and inputs by content hash; sizes in bytes. */
  readonly content: readonly { readonly digest: string; readonly size: number }[]
  /** Where the task's data or its submitter are. */
  readonly region?: string | undefined
  readonly submitterNetwork?: string | undefined
  /** The node that the placement before this one took: all the state `round_robin` has. */
  readonly lastNodeId?: NodeId | undefined
}

/** One way of choosing among nodes that all could take the task. Pure: the same question has the same answer. */
export interface Strategy {
  /** Why the node must not be taken, as people read it; undefined when it may. */
  readonly refusal?: (candidate: RouteCandidate, request: RouteRequest) => string | undefined
  /** Lower is better. */
  readonly cost: (candidate: RouteCandidate, request: RouteRequest) => number
  /** Who goes first among equals; the lower id where that is equal too. */
  readonly amongEquals: 'least_loaded' | 'lowest_id'
  /** Why the node stands where it does, as people read it. */
  readonly reason: (candidate: RouteCandidate, request: RouteRequest) => string
}
