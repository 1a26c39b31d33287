import type { AccountId, Instant, NodeId } from '@fog/kernel'
import { foresee, quantileOf, remember } from './foresee.ts'

/** One run that came to its end, as a device of ordinary speed would have made it. */
export interface PastRun {
  /** Processor time on a device of speed 1, in milliseconds. */
  readonly cpuMs: number
  /** Time beside it: waiting, reading, writing. */
  readonly restMs: number
  /** Metered instructions. */
  readonly fuel: number
}

/** What is kept of one sort of run: the latest, oldest first. Small, and safe to lose. */
export interface RunHistory {
  /** A program of an account, or a program of anyone: see `runKeys`. Or a device: see `speedKey`. */
  readonly key: string
  readonly runs: readonly PastRun[]
  /** Of a device: how much faster it is than ordinary; 1 until known. */
  readonly speed: number
  readonly learnedAt: Instant
}

/** Where histories are kept. Part of `JobStore`; its rules hold here too. */
export interface RunStore {
  /** Unknown keys are left out. */
  recall(keys: readonly string[]): Promise<RunHistory[]>
  /** Replaces the histories of these keys. What two write at once may be lost: it is learned again. */
  keep(histories: readonly RunHistory[]): Promise<void>
  /** Drops what nothing was learned of since; answers how many. */
  forget(before: Instant, limit: number): Promise<number>
}

/** Where a run is remembered, the most telling first. */
export function runKeys(digest: string, accountId: AccountId): readonly [string, string] {
  return [`${digest} ${accountId}`, digest]
}

export function speedKey(nodeId: NodeId): string {
  return nodeId
}

/** A run as a device reported it. */
export interface ReportedRun {
  readonly digest: string
  readonly accountId: AccountId
  readonly nodeId: NodeId
  readonly wallMs: number
  readonly cpuMs: number
  readonly fuel: bigint
}

/** A device is never taken for more than so much faster or slower than another: one odd program must not say so. */
const MOST_SPEED = 16
/** Weight of the newest run in what is known of a device. */
const SPEED_STEP = 0.2
/** Shorter runs are mostly starting up: they tell nothing of speed. */
const TELLING_CPU_MS = 20

/** All keys under which these runs are remembered, and their devices. */
export function keysOf(runs: readonly ReportedRun[]): string[] {
  return [
    ...new Set(runs.flatMap(({ digest, accountId, nodeId }) => [...runKeys(digest, accountId), speedKey(nodeId)])),
  ].sort()
}

/**
 * What is known once these runs are over, by what was known before. How fast a device is shows in how much fuel it burns in a
 * millisecond, beside other devices on the same program: programs burn it at rates of their own.
 */
export function learn(known: readonly RunHistory[], runs: readonly ReportedRun[], at: Instant): RunHistory[] {
  const histories = new Map(known.map((history) => [history.key, history]))
  const of = (key: string): RunHistory => histories.get(key) ?? { key, runs: [], speed: 1, learnedAt: at }
  for (const run of runs) {
    const [ofAccount, ofAll] = runKeys(run.digest, run.accountId)
    const device = of(speedKey(run.nodeId))
    const speed = speedAfter(device.speed, run, of(ofAll).runs)
    histories.set(device.key, { ...device, speed, learnedAt: at })
    const cpuMs = Math.min(run.cpuMs, run.wallMs)
    const past = { cpuMs: Math.round(cpuMs * speed), restMs: run.wallMs - cpuMs, fuel: Number(run.fuel) }
    for (const key of [ofAccount, ofAll]) {
      const history = of(key)
      histories.set(key, { ...history, runs: remember(history.runs, past), learnedAt: at })
    }
  }
  return keysOf(runs).map((key) => of(key))
}

function speedAfter(before: number, { fuel, cpuMs }: ReportedRun, runs: readonly PastRun[]): number {
  const rates = runs
    .filter((past) => past.cpuMs >= TELLING_CPU_MS && past.fuel > 0)
    .map((past) => past.fuel / past.cpuMs)
  if (rates.length < 2 || cpuMs < TELLING_CPU_MS || fuel <= 0n) return before
  const seen = Number(fuel) / cpuMs / quantileOf(rates, 0.5)
  const speed = before ** (1 - SPEED_STEP) * seen ** SPEED_STEP
  return Math.min(MOST_SPEED, Math.max(1 / MOST_SPEED, speed))
}

/**
 * The least that a run of these keys took, in milliseconds as on a device of speed 1 and at most its limit; undefined while
 * nothing is known. For refusals: inputs differ, so what was seldom quick may be quick again.
 */
export function quickestRun(histories: readonly (RunHistory | undefined)[], limitMs: number): number | undefined {
  const times = histories.flatMap((history) => history?.runs.map(({ cpuMs, restMs }) => restMs + cpuMs) ?? [])
  return times.length === 0 ? undefined : Math.max(1, Math.round(Math.min(limitMs, ...times)))
}

/**
 * How long a run is thought to take on a device of this speed, in milliseconds and at most its limit; undefined while
 * nothing is known. `histories` are those of its keys, the most telling first.
 */
export function foreseeRun(
  histories: readonly (RunHistory | undefined)[],
  limitMs: number,
  speed = 1,
): number | undefined {
  const times = histories.map((history) => history?.runs.map(({ cpuMs, restMs }) => restMs + cpuMs / speed))
  const foreseen = foresee(times, limitMs)
  return foreseen === undefined ? undefined : Math.max(1, Math.round(foreseen))
}
