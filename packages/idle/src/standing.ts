import type { Instant } from '@fog/kernel'

/**
 * `run`, or `throttle` to a share of it; `suspend` in memory; `evict` with a checkpoint where there is one; `off` when
 * the owner does not lend.
 */
export type Mode = 'run' | 'throttle' | 'suspend' | 'evict' | 'off'

/** What holds since the last change. */
export interface Standing {
  readonly mode: Mode
  readonly cpuShare: number
  readonly relaxedAt: Instant
  /** Changes for less since it last became more. */
  readonly changesSince: number
}

/** Each change has a minute: so long must pass, for every change made, before things may become more again. */
const CHANGE_MS = 60_000

/** Holds back what would allow more until the changes before have had their time. */
export function settle(
  { mode, cpuShare }: Pick<Standing, 'mode' | 'cpuShare'>,
  standing: Standing | undefined,
  now: Instant,
): { standing: Standing; settlesInMs: number } {
  if (!standing) return { standing: { mode, cpuShare, relaxedAt: now, changesSince: 0 }, settlesInMs: 0 }
  const difference = gravity({ mode, cpuShare }) - gravity(standing)
  if (difference === 0) return { standing, settlesInMs: 0 }
  if (difference > 0) {
    const changesSince = standing.changesSince + 1
    return { standing: { mode, cpuShare, relaxedAt: standing.relaxedAt, changesSince }, settlesInMs: 0 }
  }
  const settlesInMs = standing.relaxedAt + CHANGE_MS * (standing.changesSince + 1) - now
  if (settlesInMs > 0) return { standing, settlesInMs }
  return { standing: { mode, cpuShare, relaxedAt: now, changesSince: 0 }, settlesInMs: 0 }
}

const GRAVITY: Readonly<Record<Mode, number>> = { run: 0, throttle: 2, suspend: 4, evict: 6, off: 8 }

/** Graver modes count more than any share. */
export function gravity({ mode, cpuShare }: Pick<Standing, 'mode' | 'cpuShare'>): number {
  return GRAVITY[mode] + (1 - cpuShare)
}
