/** A job of a trace: it takes so many processors for so long, all at once and without a stop. Times in whole seconds. */
export interface RigidJob {
  /** As the trace numbers it. */
  readonly jobNumber: number
  readonly submittedAt: number
  readonly runSeconds: number
  /** Processors. */
  readonly width: number
  /** What its user asked for, and where it is cut off: never below the run time. */
  readonly askedSeconds: number
  readonly user: number
  /** The executable, where the trace knows it; -1 where it does not. */
  readonly program: number
}

export interface Trace {
  readonly name: string
  readonly processors: number
  /** By submission. */
  readonly jobs: readonly RigidJob[]
}

/** When a job ran. */
export interface RanJob {
  readonly job: RigidJob
  readonly startedAt: number
}
