import type { Instant, NodeId, TaskId } from '@fog/kernel'
import type { Tier } from '@fog/scheduler'

/** One plan on the front, without who goes where. */
export interface KeptPoint {
  /** In the order of the front's objectives. */
  readonly values: readonly number[]
  /** Tasks that go on waiting. */
  readonly waiting: number
  /** Running tasks that go to another node. */
  readonly moves: number
  /** Promises it breaks, by tier. */
  readonly breaches: Readonly<Record<Tier, number>>
}

/** What one re-plan found, what was chosen, why, and what came of it. */
export interface KeptFront {
  readonly plannedAt: Instant
  /** What was planned: waiting placements, running tasks that might move, nodes. */
  readonly queued: number
  readonly movable: number
  readonly nodes: number
  readonly horizonMs: number
  readonly objectives: readonly { readonly name: string; readonly unit: string }[]
  readonly points: readonly KeptPoint[]
  /** Place in `points`; -1 when there was nothing to choose. */
  readonly chosen: number
  readonly why: string
  readonly method: string
  readonly seed: number
  /** Placements weighed, and how long that took. */
  readonly looks: number
  readonly spentMs: number
  /** Terms of nodes that no label says, and how many nodes each was assumed for. */
  readonly assumed: Readonly<Record<string, number>>
  /** What was still true when the plan was ready: leases given, and tasks asked to move. */
  readonly placed: number
  readonly moved: readonly { readonly taskId: TaskId; readonly from: NodeId; readonly to: NodeId }[]
}

/** The newest fronts. */
export interface FrontStore {
  /** Keeps a front, and of all the newest `keep`. Two of one moment are one: the later. */
  add(front: KeptFront, keep: number): Promise<void>
  /** Newest first; `before` is the moment of the last one of the page before. */
  list(filter: { readonly before?: Instant | undefined; readonly limit: number }): Promise<KeptFront[]>
}
