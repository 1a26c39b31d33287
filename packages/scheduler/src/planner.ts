import type { AccountId, Instant, JobId, NodeId, TaskId } from '@fog/kernel'
import type { Job } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView, Route } from './node-view.ts'

export interface PlanContext {
  readonly now: Instant
  /** Ranks the few nodes an index found; the strategies' rules live with it. */
  readonly route: Route
  /** What each account holds now, in thousandths of a core: who holds less goes first. */
  readonly inUse?: ReadonlyMap<AccountId, number> | undefined
  /** As the plan before answered: where a round goes on. */
  readonly lastNodeId?: NodeId | undefined
  /**
   * How many tasks of a job run in each failure domain (`domainOf`) now, of jobs whose tier is spread over several; the
   * plan counts on from there. Jobs left out have none.
   */
  readonly spread?: ReadonlyMap<JobId, ReadonlyMap<string, number>> | undefined
  /** Network a job was submitted from, where known. */
  readonly networkOf?: ((job: Job) => string | undefined) | undefined
}

export interface Placement {
  readonly taskId: TaskId
  readonly nodeId: NodeId
}

/** Why a task has to wait, in one word; `explainWaiting` says it in sentences. */
export type WaitReason =
  /** It backs off after a loss. */
  | 'back_off'
  /** No node takes new work. */
  | 'none_open'
  /** No open node is of the sort it asks for, or large enough. */
  | 'not_suitable'
  /** All that suit are full. */
  | 'no_room'
  /** It needs a node of another owner. */
  | 'other_owner'
  /** Only nodes of failure domains have room that hold their share of it or of its job. */
  | 'other_domain'
  /** Only nodes have room that lost it or gave it back a moment ago, and others exist. */
  | 'other_node'
  /** The routing strategy accepts none of those that have room. */
  | 'routing'

export interface Waiting {
  readonly taskId: TaskId
  readonly reason: WaitReason
}

/** Every wanted placement of every task is in one of the two lists; a task of which one replica waits is in both. */
export interface Plan {
  /** Joint: all of them together fit. A task's replicas come one after the other. */
  readonly placements: readonly Placement[]
  readonly waiting: readonly Waiting[]
  readonly lastNodeId: NodeId | undefined
}

/** How a queue is placed. Other planners, such as one that re-plans on a timer, stand behind the same type. */
export type Planner = (queue: readonly QueuedTask[], nodes: readonly NodeView[], context: PlanContext) => Plan
