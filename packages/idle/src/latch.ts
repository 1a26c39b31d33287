import type { Instant } from '@fog/kernel'
import type { HarvestPolicy, Threshold } from './policy.ts'

/** A trigger that turns on and off after its times, and remembers since when a reading has been beyond a threshold. */
export interface Latch {
  readonly isOn: boolean
  readonly onSince: Instant | undefined
  /** Since when it is beyond a threshold, without having been beyond the other one in between. */
  readonly stopSince: Instant | undefined
  readonly resumeSince: Instant | undefined
}

/** Beyond the threshold that stops, beyond the one that resumes, or in between. */
export type Beyond = 'stop' | 'resume' | 'between'

export const LATCH_OFF: Latch = { isOn: false, onSince: undefined, stopSince: undefined, resumeSince: undefined }

/** An unknown reading lets go; whether that is right is for `stopsWhenUnknown` to say. */
export function beyond(value: number | null, { stop, resume }: Threshold, bad: 'above' | 'below'): Beyond {
  if (value === null) return 'resume'
  const sign = bad === 'above' ? 1 : -1
  if (sign * value > sign * stop) return 'stop'
  const isGood = bad === 'above' ? value < resume : value >= resume
  return isGood ? 'resume' : 'between'
}

export function onBattery(
  isPlugged: boolean | null,
  level: number | null,
  { allowedFrom, allowedTo }: NonNullable<HarvestPolicy['unplugged']>,
): Beyond {
  if (isPlugged !== false) return 'resume'
  if (allowedFrom === undefined || level === null) return 'stop'
  if (level >= allowedFrom) return 'resume'
  return level >= (allowedTo ?? allowedFrom) ? 'between' : 'stop'
}

/** The latch after one more reading. In between the thresholds its clocks run on, but it turns only beyond one. */
export function turn(
  { isOn, onSince, stopSince, resumeSince }: Latch,
  beyond: Beyond,
  row: Pick<Threshold, 'stopAfterMs' | 'resumeAfterMs'>,
  now: Instant,
): Latch {
  const stops = beyond === 'resume' ? undefined : (stopSince ?? (beyond === 'stop' ? now : undefined))
  const resumes = beyond === 'stop' ? undefined : (resumeSince ?? (beyond === 'resume' ? now : undefined))
  const turnsOn = !isOn && beyond === 'stop' && stops !== undefined && now - stops >= row.stopAfterMs
  const turnsOff = isOn && beyond === 'resume' && resumes !== undefined && now - resumes >= row.resumeAfterMs
  return {
    isOn: turnsOn || (isOn && !turnsOff),
    onSince: turnsOn ? now : turnsOff ? undefined : onSince,
    stopSince: stops,
    resumeSince: resumes,
  }
}
