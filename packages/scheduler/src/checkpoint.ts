import type { Instant } from '@fog/kernel'
import type { TaskLimits } from './job.ts'
import { isLive } from './states.ts'
import type { Attempt, Checkpoint, CheckpointMark, OutputFile, Resumed, Task } from './task.ts'

/** What a node says of a checkpoint; its content was brought before. */
export interface StatedCheckpoint {
  readonly sequence: number
  readonly files: readonly OutputFile[]
  /** Of this attempt alone, as its other figures. */
  readonly fuel: bigint
  readonly cpuMs: number
  readonly wallMs: number
  readonly signature: string
}

export interface CheckpointRules {
  readonly limits: TaskLimits
  /** Of all files together, whatever the task's disk limit. */
  readonly maxBytes: number
  /** More than any core burns in a second. */
  readonly fuelPerCoreSecond: number
}

/**
 * Whether a task's checkpoints are handed to nodes of other owners. Only those of tasks that take one node's word for the
 * result anyway: where results have to agree, each is computed from the beginning, so that no node's state can speak through
 * two mouths.
 */
export function handsOnState({ quorum }: Pick<Task, 'quorum'>): boolean {
  return quorum === 1
}

/** Fuel burnt for a task before this attempt began, by whoever. */
export function fuelBefore({ resumedFrom }: Attempt): bigint {
  return fuelOf(resumedFrom?.work ?? [])
}

export function fuelOf(work: readonly { readonly fuel: bigint }[]): bigint {
  return work.reduce((sum, { fuel }) => sum + fuel, 0n)
}

export function resumedFrom({ attemptId, sequence, at, bytes, work }: Checkpoint): Resumed {
  return { attemptId, sequence, at, bytes, work }
}

export function markOf({ sequence, at, bytes, work }: Checkpoint): CheckpointMark {
  return { sequence, at, bytes, fuel: work.at(-1)!.fuel }
}

export type CheckpointOutcome =
  | { readonly kind: 'taken'; readonly checkpoint: Checkpoint }
  /** It, or a newer one, is there already. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly why: string }

/** What becomes of a checkpoint that a node states for an attempt of its own. Only the attempt that holds the lease has a say. */
export function weighCheckpoint(
  attempt: Attempt,
  stated: StatedCheckpoint,
  at: Instant,
  rules: CheckpointRules,
): CheckpointOutcome {
  if (!isLive(attempt)) return { kind: 'refused', why: 'the attempt no longer holds its lease' }
  const { checkpoint: last } = attempt
  if (last && stated.sequence <= last.sequence) return { kind: 'repeated' }
  const bytes = stated.files.reduce((sum, { size }) => sum + size, 0)
  const why = wrongWith(attempt, stated, bytes, at, rules)
  if (why !== undefined) return { kind: 'refused', why }
  const { attemptId, taskId, nodeId, ownerId, fence } = attempt
  const { sequence, files, fuel, cpuMs, wallMs, signature } = stated
  const own = { attemptId, nodeId, ownerId, fuel, cpuMs, wallMs }
  const work = [...(attempt.resumedFrom?.work ?? []), own]
  return { kind: 'taken', checkpoint: { attemptId, taskId, fence, sequence, files, bytes, work, signature, at } }
}

function wrongWith(
  attempt: Attempt,
  { files, fuel }: StatedCheckpoint,
  bytes: number,
  at: Instant,
  { limits, maxBytes, fuelPerCoreSecond }: CheckpointRules,
): string | undefined {
  const most = Math.min(maxBytes, limits.diskBytes)
  if (bytes > most) return `it has ${bytes} bytes, and ${most} may be kept`
  if (new Set(files.map(({ path }) => path)).size < files.length) return 'it names a path twice'
  if (!files.every(({ path }) => isPlain(path))) return 'it names a path that leaves /state'
  if (fuel < (attempt.checkpoint?.fuel ?? 0n)) return 'it used less fuel than the one before'
  if (fuel > limits.fuel - fuelBefore(attempt)) return 'it used more fuel than the task has'
  const ranMs = Math.max(0, at - attempt.leasedAt)
  const burnable = BigInt(Math.ceil((ranMs + CLOCK_SLACK_MS) * (fuelPerCoreSecond / 1000)))
  return fuel > burnable ? 'it used more fuel than a core can burn in that time' : undefined
}

/** Clocks of several control planes differ a little. */
const CLOCK_SLACK_MS = 2_000

function isPlain(path: string): boolean {
  return path.isWellFormed() && !path.includes('\0') && path.split('/').every((part) => !['', '.', '..'].includes(part))
}
