import type { AccountId, NodeId } from '@fog/kernel'
import type { InputFile, JobSpec, RoutingStrategy, TaskLimits } from './job.ts'

/** What a task takes of a node, and what a node has. */
export type Room = Pick<TaskLimits, 'cpuMilli' | 'memoryBytes' | 'diskBytes'>

/** How the two ends of a connection are joined: by an ordinary one, which shows who they are, or through the mixnet. */
export type Reach = 'direct' | 'mixnet'

/** What the scheduler knows of a node. */
export interface NodeView {
  readonly nodeId: NodeId
  readonly ownerId: AccountId
  /** Shown to people. */
  readonly name: string
  /** Task kinds it can run, such as `wasm`. */
  readonly kinds: readonly string[]
  readonly capacity: Room
  /** Capacity that no reservation holds. */
  readonly free: Room
  /** Thousandths of a core that are kept for Platinum beyond what it uses there now; they may be in use by others still. */
  readonly keptCpuMilli?: number | undefined
  /** Tasks it takes on beside those it has. */
  readonly slots: number
  /** Round trip as measured; undefined until it was. */
  readonly latencyMs?: number | undefined
  readonly labels: Readonly<Record<string, string>>
  /** SHA-256, hex, of the programs, and inputs where known, that it has ready. */
  readonly warm: ReadonlySet<string>
  /** 0 to 1000. */
  readonly trust: number
  /** Network it is seen from, such as `203.0.113.0/24`. */
  readonly networkPrefix?: string | undefined
  /** Whether it can be reached through circuits. */
  readonly circuits: boolean
  /** The way it is connected by; directly unless said. */
  readonly reach?: Reach | undefined
  /** Why it takes no new work, as people read it: `suspended by its owner: battery 62 %`. Undefined while it does. */
  readonly closed?: string | undefined
}

/** What a routing strategy is asked to rank nodes for. */
export interface RouteRequest {
  readonly spec: JobSpec
  /** The task's own, beside those of the job. */
  readonly inputs: readonly Pick<InputFile, 'digest' | 'size'>[]
  /** Network of the submitter, whose own nodes `privacy_aware` never takes. */
  readonly submitterNetwork?: string | undefined
  /** The node that the placement before this one took. */
  readonly lastNodeId?: NodeId | undefined
}

/**
 * Ranks nodes that all fit, best first; the nodes' `free` and `slots` count what this plan placed on them so far. May
 * leave out those the strategy cannot accept. Pure: the same question has the same answer.
 */
export type Route = (
  strategy: RoutingStrategy,
  candidates: readonly NodeView[],
  request: RouteRequest,
) => readonly NodeView[]
