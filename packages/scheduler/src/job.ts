import type { AccountId, Amount, HoldId, Instant, JobId, UserId } from '@fog/kernel'
import type { FailureReason } from './task.ts'
import type { Tier } from './tier.ts'

export type RoutingStrategy = 'round_robin' | 'least_loaded' | 'affinity_based' | 'proximity_based' | 'privacy_aware'

export type PrivacyLevel = 'public' | 'private' | 'confidential' | 'secret'

/** What one task takes, and where it is cut off. */
export interface TaskLimits {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly wallMs: number
  /** Metered instructions. */
  readonly fuel: bigint
  readonly outputBytes: number
}

/** How a task's result is checked: this many results must agree; a share of singles is checked by a second node. */
export interface Verification {
  readonly quorum: number
  readonly spotCheckBasisPoints: number
}

/** A program and its inputs by content hash: SHA-256, hex. */
export interface InputFile {
  /** Absolute, under `/in`. */
  readonly path: string
  readonly digest: string
  readonly size: number
}

/** All a node needs to know to run a task of this job. */
export interface JobSpec {
  readonly name: string
  readonly kind: 'wasm'
  readonly program: { readonly digest: string; readonly size: number }
  /** Templates: `{item}` and `{index}` are filled for each task. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Given to every task. */
  readonly inputs: readonly InputFile[]
  readonly stdin?: { readonly digest: string; readonly size: number } | undefined
  readonly limits: TaskLimits
  readonly tier: Tier
  readonly privacy: PrivacyLevel
  readonly routing: RoutingStrategy
  readonly verification: Verification
  /** A task fails when this many of its attempts were lost or returned. Replicas for a quorum come on top. */
  readonly maxAttempts: number
  /** Labels a node must have, such as `residency: eu`. */
  readonly require: Readonly<Record<string, string>>
  /** Labels a node must not have. */
  readonly avoid?: Readonly<Record<string, string>> | undefined
  /** Labels a node should have: the more of them the better, once all else fits. */
  readonly prefer?: Readonly<Record<string, string>> | undefined
  /** Where its data may be: one of these is what the node's label `residency`, or else `region`, says. */
  readonly residency?: readonly string[] | undefined
  /** What no two tasks of the job share while they run. A failure domain is what the label `domain` says, else the owner. */
  readonly apart?: 'node' | 'owner' | 'domain' | undefined
  /** What all tasks of the job share while they run. */
  readonly together?: 'node' | 'domain' | undefined
  /** Whether all its tasks that are wanted are placed at once, or none. */
  readonly gang?: boolean | undefined
  /** Among jobs of the same account and tier, -100 to 100: higher goes first; 0 unless told. */
  readonly priority?: number | undefined
  /** Whether the program can wait for a clock: absent where nobody looked. */
  readonly maySleep?: boolean | undefined
  /** Failures of the program itself after which a task runs again elsewhere; none unless asked for. */
  readonly retryOn?: readonly FailureReason[] | undefined
  /** Names for the parts of each item, where the items were made of a matrix. */
  readonly placeholders?: readonly string[] | undefined
  /** Where the job has several. What stands above is then the largest of each limit and the first one's program. */
  readonly steps?: readonly StepSpec[] | undefined
  /** Which step this is the spec of, once it was narrowed to one: see `jobByTask`. */
  readonly step?: { readonly name: string; readonly first: number; readonly tasks: number } | undefined
}

/**
 * A job of several steps. Its tasks are numbered through: each step has a span of them, so that which step a task is of,
 * and which task of another step has the same item, follows from its index alone and nothing is stored for an edge.
 */
export interface StepSpec {
  readonly name: string
  readonly program: { readonly digest: string; readonly size: number }
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly inputs: readonly InputFile[]
  readonly stdin?: { readonly digest: string; readonly size: number } | undefined
  readonly limits: TaskLimits
  readonly placeholders?: readonly string[] | undefined
  /** Index of its first task within the job, and how many it has. */
  readonly first: number
  readonly tasks: number
  /** What its tasks wait for; each other step at most once. */
  readonly needs: readonly StepNeed[]
  /** Inputs that other steps make. */
  readonly given: readonly StepInput[]
}

/** `each`: a task waits for the task with the same item. `all`: for every task of that step. */
export interface StepNeed {
  readonly step: number
  readonly how: 'each' | 'all'
}

/** Where an input comes from: the task with the same item, the only task of that step, or all of its tasks. */
export interface StepInput {
  /** Under `/in`; a folder when it ends in `/`. */
  readonly path: string
  readonly step: number
  readonly how: 'same' | 'only' | 'all'
  /** The output that is meant, `{item}` and the like filled by the task that gets it; undefined means all. */
  readonly output?: string | undefined
}

export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** How many tasks stand where. They sum to `tasks`. */
export interface TaskCounts {
  readonly queued: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
}

export interface Job {
  readonly jobId: JobId
  readonly accountId: AccountId
  readonly submittedBy: UserId
  readonly spec: JobSpec
  readonly tasks: number
  readonly counts: TaskCounts
  readonly status: JobStatus
  readonly holdId: HoldId
  /** The most it can cost; on hold while it runs. */
  readonly priceCap: Amount
  /** The most one accepted result of one task can cost. */
  readonly taskPriceCap: Amount
  /** Units for 10^9 fuel, as agreed at submission. */
  readonly unitsPerGigafuel: Amount
  /** Of each payment, kept by the treasury, as agreed at submission; undefined of jobs older than this field. */
  readonly feeBasisPoints?: number | undefined
  /** Whether the hold was settled or released. */
  readonly settled: boolean
  /** What it cost in the end; undefined until settled. */
  readonly cost?: Amount | undefined
  /** What comes back for promises that were not kept; undefined until settled, and where nothing does. */
  readonly credit?: Amount | undefined
  /** How much of it the treasury has paid; the rest is owed until it can. */
  readonly creditPaid?: Amount | undefined
  /** Why it failed, in one sentence: the first task's reason. */
  readonly failure?: string | undefined
  readonly submittedAt: Instant
  /** What has not ended by then is stopped. Those nearer to it go first within their tier. */
  readonly deadlineAt?: Instant | undefined
  readonly startedAt?: Instant | undefined
  readonly finishedAt?: Instant | undefined
}
