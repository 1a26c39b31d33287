/** So many runs of each sort are remembered: users change what they run, and the latest runs tell most. */
export const REMEMBERED_RUNS = 8

/** One run tells nothing: it may be the one that failed at once. */
const FEWEST_RUNS = 2

/** A run thought too short costs another's reservation; one thought too long only a gap. So the guess is on the long side. */
const CAUTION = 0.7

/**
 * How long a run is thought to take: the 70 % quantile of the first history with two runs, the most telling history first,
 * and never more than its limit, at which it is cut off. In the unit of the histories; undefined while nothing is known.
 */
export function foresee(histories: Iterable<readonly number[] | undefined>, limit: number): number | undefined {
  for (const history of histories) {
    if (history && history.length >= FEWEST_RUNS) return Math.min(limit, quantileOf(history, CAUTION))
  }
  return undefined
}

/** The value that this share of the figures does not exceed: one of them. */
export function quantileOf(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** A history with one run more: the oldest is forgotten. */
export function remember<Run>(history: readonly Run[], run: Run): Run[] {
  return [...history.slice(-(REMEMBERED_RUNS - 1)), run]
}

/**
 * Steps by which the guess for a run that outlasts it is put off (Tsafrir, Etsion, Feitelson 2007): one minute, five, a
 * quarter of an hour, and so on, as multiples of a minute.
 */
const STEPS_MINUTES = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 3000, 6000]

export interface RunInProgress {
  readonly startedAt: number
  readonly foreseen: number
  readonly limit: number
}

/**
 * When a run that goes on at `now` is thought to end: as foreseen while it may, then later step by step, at the latest at
 * its limit, and always after `now`. `minute` is a minute in the unit of all these.
 */
export function foreseenEnd({ startedAt, foreseen, limit }: RunInProgress, now: number, minute: number): number {
  const end = startedAt + foreseen
  if (end > now) return end
  const last = startedAt + limit
  const step = STEPS_MINUTES.find((minutes) => end + minutes * minute > now)
  return Math.max(now + minute / 60, step === undefined ? last : Math.min(last, end + step * minute))
}
