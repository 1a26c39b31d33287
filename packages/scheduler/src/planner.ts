import type { AccountId, Instant, JobId, NodeId, TaskId } from '@fog/kernel'
import type { Job } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { Held } from './company.ts'
import type { NodeView, Room, Route } from './node-view.ts'

/** A task that runs, or stands for one, and when its room is free again. */
export interface RunningTask {
  readonly nodeId: NodeId
  readonly room: Room
  /** When it is thought to end. */
  readonly endsAt: Instant
  /** When it is cut off. */
  readonly endsBy: Instant
}

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
  /** Where the tasks of jobs that keep theirs apart or together run now. Jobs left out run nowhere. */
  readonly held?: Held | undefined
  /**
   * What runs now: given where a gang, or a task that aged, is in the queue. Room is then kept for the first of them that
   * finds none, full nodes are among `nodes`, and what is shorter or takes other room goes on (EASY backfilling).
   */
  readonly running?: readonly RunningTask[] | undefined
  /** How long a task is thought to run, in milliseconds; undefined while nothing is known, which counts as its limit. */
  readonly foresee?: ((queued: QueuedTask) => number | undefined) | undefined
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
  /** Only nodes have room where another task of the job is, and the job keeps its tasks apart. */
  | 'apart'
  /** No node has room beside the other tasks of the job, which it keeps together. */
  | 'together'
  /** There is room for some tasks of its gang, not for all of them. */
  | 'gang'
  /** The room there is is kept for a task or gang that waits longer, and this one would not be done before that begins. */
  | 'reserved'
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
  /** For whom room is kept, and when it is thought to begin. */
  readonly reservation?: { readonly jobId: JobId; readonly beginsAt: Instant } | undefined
}

/** How a queue is placed. Other planners, such as one that re-plans on a timer, stand behind the same type. */
export type Planner = (queue: readonly QueuedTask[], nodes: readonly NodeView[], context: PlanContext) => Plan
