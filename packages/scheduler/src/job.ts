import type { AccountId, Amount, HoldId, Instant, JobId, UserId } from '@fog/kernel'
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
  /** Whether the hold was settled or released. */
  readonly settled: boolean
  /** What it cost in the end; undefined until settled. */
  readonly cost?: Amount | undefined
  /** Why it failed, in one sentence: the first task's reason. */
  readonly failure?: string | undefined
  readonly submittedAt: Instant
  readonly startedAt?: Instant | undefined
  readonly finishedAt?: Instant | undefined
}
