import type { AccountId, AttemptId, Instant, JobId, NodeId, TaskId } from '@fog/kernel'

export type TaskStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** The one reason a task failed. Each has one sentence in `failureSentence`. */
export type FailureReason =
  | 'trapped'
  | 'exit_nonzero'
  | 'fuel_exhausted'
  | 'memory_exceeded'
  | 'wall_exceeded'
  | 'output_exceeded'
  | 'not_loadable'
  | 'no_agreement'
  | 'attempts_exhausted'
  /** A task it needs failed. */
  | 'dependency_failed'
  /** What other tasks made for it is not what it asks for. */
  | 'inputs_unusable'
  | 'deadline_passed'

export interface Failure {
  readonly reason: FailureReason
  /** The program's own words or numbers, such as the trap's text. */
  readonly detail: string
}

/** One task: the job's program on one item. `pending` placements are wanted now; live ones hold a lease. */
export interface Task {
  readonly taskId: TaskId
  readonly jobId: JobId
  /** 0-based place within the job. */
  readonly index: number
  /** Fills `{item}`; the task's name in the results. */
  readonly item: string
  /** Its own inputs, beside those of the job. */
  readonly inputs: readonly { readonly path: string; readonly digest: string; readonly size: number }[]
  readonly status: TaskStatus
  /** Results that must agree. */
  readonly quorum: number
  /** Placements still to make; none while it waits for other tasks. */
  readonly pending: number
  /** Steps it still waits for; absent once there is none. It is no part of the queue until then. */
  readonly blockedBy?: number | undefined
  /** Placements made so far: the fencing token of the latest attempt. */
  readonly attempts: number
  /** Not placed before this instant: back-off after a loss. */
  readonly notBefore: Instant
  readonly queuedAt: Instant
  readonly startedAt?: Instant | undefined
  readonly finishedAt?: Instant | undefined
  readonly acceptedAttemptId?: AttemptId | undefined
  readonly failure?: Failure | undefined
}

/** `preempted`: a task of a better tier took its room; its task waits in the queue again, and nothing counts against it. */
export type AttemptStatus = 'leased' | 'running' | 'reported' | 'lost' | 'returned' | 'cancelled' | 'preempted'

/** One placement of one task on one node, held by a lease. */
export interface Attempt {
  readonly attemptId: AttemptId
  readonly taskId: TaskId
  readonly jobId: JobId
  readonly nodeId: NodeId
  /** Who is paid. */
  readonly ownerId: AccountId
  /** Fencing token: rises with each placement of the task. */
  readonly fence: number
  readonly status: AttemptStatus
  readonly leasedAt: Instant
  readonly leaseExpiresAt: Instant
  /** How long it lives after its node was heard of last, as its tier asks; undefined lives as the fog's setting says. */
  readonly leaseMs?: number | undefined
  readonly startedAt?: Instant | undefined
  readonly endedAt?: Instant | undefined
  readonly report?: Report | undefined
  /** It was asked to make room and has until then to keep what it has; then its room is taken. */
  readonly yieldBy?: Instant | undefined
  /** The checkpoint it began from; undefined began anew. */
  readonly resumedFrom?: Resumed | undefined
  /** The newest of its own. */
  readonly checkpoint?: CheckpointMark | undefined
  /** Why it was lost, returned, preempted or not agreed with. */
  readonly note?: string | undefined
}

export interface OutputFile {
  /** Relative, clean: never absolute, never with `..`. */
  readonly path: string
  readonly digest: string
  readonly size: number
}

/** What a worker reports, and signs. */
export interface Report {
  readonly outcome: { readonly ok: true } | { readonly ok: false; readonly failure: Failure }
  readonly exitCode: number | undefined
  /** SHA-256, hex, over outcome, exit, fuel, stdout and outputs: equal for equal runs. */
  readonly digest: string
  readonly fuel: bigint
  readonly cpuMs: number
  readonly wallMs: number
  readonly peakMemoryBytes: number
  readonly stdout: { readonly digest: string; readonly size: number }
  readonly stderr: { readonly digest: string; readonly size: number }
  readonly outputs: readonly OutputFile[]
  /** Ed25519 of the node over the signed form, hex. */
  readonly signature: string
}

/** What one attempt did of a task, up to the checkpoint from which another one went on. */
export interface CheckpointedWork {
  readonly attemptId: AttemptId
  readonly nodeId: NodeId
  /** Who is paid for it once the task's result is accepted. */
  readonly ownerId: AccountId
  readonly fuel: bigint
  readonly cpuMs: number
  readonly wallMs: number
}

/** What an attempt left in `/state`, and whose work is in it. */
export interface Checkpoint {
  readonly attemptId: AttemptId
  readonly taskId: TaskId
  readonly fence: number
  /** Rises with each of an attempt. */
  readonly sequence: number
  /** Paths are relative to `/state`. */
  readonly files: readonly OutputFile[]
  readonly bytes: number
  /** Of all attempts in the line, this one's own last. */
  readonly work: readonly CheckpointedWork[]
  /** Ed25519 of the node over the signed form, hex. */
  readonly signature: string
  readonly at: Instant
}

/** From what an attempt went on. */
export type Resumed = Pick<Checkpoint, 'attemptId' | 'sequence' | 'at' | 'bytes' | 'work'>

/** What is remembered of an attempt's newest checkpoint after its content is gone. */
export interface CheckpointMark {
  readonly sequence: number
  readonly at: Instant
  readonly bytes: number
  /** Of this attempt alone. */
  readonly fuel: bigint
}
