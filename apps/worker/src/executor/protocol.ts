/**
 * What the worker and a child say to each other, over frames.
 *
 * The worker sends `run`; the child answers with `log`, `beat` and `state-changed` while it works, and one `ended`. To
 * `take-state` it answers with one `state`, unless the task has ended. Contents (program, inputs, outputs, state) follow the message that lists their sizes: all of them inside its own frame when they are small, else
 * as `piece` frames, their bytes one after the other.
 */

export interface RunLimits {
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly outputBytes: number
  /** Of all files of a checkpoint together; 0 keeps none. */
  readonly stateBytes: number
  /** As a decimal text. */
  readonly fuel: string
}

/** Contents in order: the program unless the child has it compiled, stdin if there is any, then the files. */
export interface RunMessage {
  readonly type: 'run'
  /** Of the program with its memory limit: the same key is the same compiled module. */
  readonly programKey: string
  readonly bringsProgram: boolean
  readonly hasStdin: boolean
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Paths of the files. */
  readonly files: readonly string[]
  readonly limits: RunLimits
  readonly sizes: readonly number[]
}

export interface PieceMessage {
  readonly type: 'piece'
}

/** Asks for the newest checkpoint, with the content of those files that have changed since version `since`. */
export interface TakeStateMessage {
  readonly type: 'take-state'
  readonly since: number
}

export type ToChild = RunMessage | TakeStateMessage | PieceMessage

export type StreamName = 'stdout' | 'stderr'

export type ChildEnding =
  | { readonly status: 'exited'; readonly exitCode: number }
  | { readonly status: 'trapped'; readonly detail: string }
  | { readonly status: 'fuel_exhausted' }
  | { readonly status: 'memory_exceeded'; readonly exitCode?: number }
  | { readonly status: 'output_exceeded'; readonly detail: string; readonly exitCode?: number }
  | { readonly status: 'not_loadable'; readonly detail: string }
  /** The fault is ours or the machine's, not the program's. */
  | { readonly status: 'faulted'; readonly detail: string }

/** Contents in order: stdout, stderr, then the outputs. */
export interface EndedMessage {
  readonly type: 'ended'
  readonly ending: ChildEnding
  /** The ending in one word, as it goes into the digest. */
  readonly exit: string
  /** As a decimal text. */
  readonly fuel: string
  readonly cpuMs: number
  readonly peakMemoryBytes: number
  /** Whether this child may run another task. */
  readonly isReusable: boolean
  /** Paths of the outputs. */
  readonly outputs: readonly string[]
  readonly sizes: readonly number[]
}

/** A checkpoint. Contents: of the files whose version is above the `since` that was asked for, in order. */
export interface StateMessage {
  readonly type: 'state'
  readonly version: number
  /** Fuel that the program had burnt by then, as a decimal text. */
  readonly fuel: string
  readonly files: readonly { readonly path: string; readonly version: number }[]
  readonly sizes: readonly number[]
}

export type FromChild =
  | { readonly type: 'ready' }
  /** It lives, whatever its program does. `rssPeakBytes` is how far the process's peak has grown in this run. */
  | { readonly type: 'beat'; readonly cpuMs: number; readonly rssPeakBytes: number }
  | { readonly type: 'log'; readonly stream: StreamName }
  /** Live output has ended early: it was more than is shown live. */
  | { readonly type: 'log-full' }
  /** There is a checkpoint of this version to be taken, or the program made one that cannot be kept, and why. */
  | { readonly type: 'state-changed'; readonly version: number; readonly refusal?: string }
  | StateMessage
  | EndedMessage
  | PieceMessage

/** Contents up to this much in all travel inside the frame that lists them. */
export const INLINE_CONTENT_BYTES = 256 * 1024

/** How often a child says that it lives. */
export const BEAT_MS = 500
