import type { Duplex } from 'node:stream'
import { shortestLeaseMs } from '@fog/scheduler'
import { releaseState } from '../flows/checkpoint-content.ts'
import { dropSilentGateways, expireLeases } from '../flows/expire-leases.ts'
import { watchWaits } from '../flows/note-incidents.ts'
import { payOwedCredits } from '../flows/pay-credits.ts'
import { placeJobs, Round } from '../flows/place-jobs.ts'
import { PreemptionGate, preemptTasks } from '../flows/preempt-tasks.ts'
import { replan, Replanning } from '../flows/replan.ts'
import { runSchedules } from '../flows/run-schedules.ts'
import { settleJobs } from '../flows/settle-job.ts'
import { stopOverdue } from '../flows/stop-overdue.ts'
import { entryLoop } from '../mixnet/entry/index.ts'
import { type Mixnet, mixnetLoops } from '../mixnet/index.ts'
import type { FrontPlanner } from '../planning/front-planner.ts'
import type { Platform } from '../platform.ts'
import type { Leadership, WakeTopic } from '../ports.ts'
import { Loop } from './loop.ts'
import type { LoopMetrics } from './loop-metrics.ts'

/** What happened is kept this long for readers of the feed that fell behind. */
export const EVENTS_KEPT_MS = 24 * 3_600_000
/** What nobody ran for so long is foreseen anew. */
const RUNS_KEPT_MS = 90 * 24 * 3_600_000
const PRUNE_EVERY_MS = 60_000
const RELEASE_EVERY_MS = 30_000
const PRUNE_BATCH = 10_000

/** Timers that are so late were held up by the process or its machine, not by the work of the loops. */
const STANDSTILL_MS = 4_000

export interface LeaderParts {
  readonly leadership: Leadership
  readonly metrics: LoopMetrics
  readonly mixnet?: Mixnet | undefined
  /** Takes a connection that came through the mixnet; without it none comes. */
  readonly connect?: ((connection: Duplex) => void) | undefined
  /** Plans what waits and what may move anew; undefined never does. */
  readonly planner?: FrontPlanner | undefined
}

/**
 * The loops that one control plane at a time runs: placing, settling, expiring. Two at once would do no harm, row locks
 * see to that; it would only be double work. Resolves when the signal aborts.
 */
export async function runLeaderLoops(
  platform: Platform,
  { leadership, ...parts }: LeaderParts,
  signal: AbortSignal,
): Promise<void> {
  const { metrics } = parts
  while (!signal.aborted) {
    try {
      const term = await leadership.lead(signal)
      platform.log.info({ epoch: term.epoch }, 'this control plane leads')
      metrics.leads(true)
      await runTerm(platform, parts, AbortSignal.any([signal, term.signal]))
      metrics.leads(false)
      await term.resign()
    } catch (fault) {
      metrics.leads(false)
      if (signal.aborted) return
      platform.log.error({ err: fault }, 'the leadership was lost; standing again')
      await platform.clock.sleep(1000, signal).catch(() => undefined)
    }
  }
}

async function runTerm(
  platform: Platform,
  { metrics, mixnet, connect, planner }: Omit<LeaderParts, 'leadership'>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, config, database } = platform
  const { loopIdleMs, leaseMs } = config.timing
  const round = new Round()
  const gate = new PreemptionGate()
  let [heardSince, lookedAt] = [clock.now(), clock.now()]
  const dependencies = { clock, log: platform.log, onFault: (loop: string) => metrics.loopFault(loop) }
  const place = new Loop(dependencies, { name: 'place-jobs', idleMs: loopIdleMs }, async () => {
    const startedAt = clock.now()
    const { next, placed } = await placeJobs(platform, round)
    if (placed.length > 0) metrics.placed(placed, clock.now() - startedAt)
    if (next === 'idle') await preemptTasks(platform, round, gate)
    return next
  })
  const settle = new Loop(dependencies, { name: 'settle-job', idleMs: loopIdleMs }, async () => {
    const { next } = await settleJobs(platform)
    return next === 'more' ? next : (await payOwedCredits(platform)).next
  })
  const expire = new Loop(
    dependencies,
    { name: 'expire-leases', idleMs: Math.min(loopIdleMs, shortestLeaseMs(leaseMs) / 4) },
    async () => {
      // While nobody led, or this process stood still, nobody could renew: every node gets one lease's time to be heard.
      if (clock.now() > lookedAt + STANDSTILL_MS) heardSince = clock.now()
      lookedAt = clock.now()
      if (clock.now() < heardSince + leaseMs) return 'idle'
      return (await expireLeases(platform)).next
    },
  )
  const overdue = new Loop(
    dependencies,
    { name: 'stop-overdue', idleMs: loopIdleMs },
    async () => (await stopOverdue(platform)).next,
  )
  const schedules = new Loop(
    dependencies,
    { name: 'run-schedules', idleMs: loopIdleMs },
    async () => (await runSchedules(platform)).next,
  )
  const gateways = new Loop(dependencies, { name: 'silent-gateways', idleMs: loopIdleMs }, async () => {
    await dropSilentGateways(platform)
    return 'idle'
  })
  const replanning = new Replanning()
  const replans =
    planner &&
    new Loop(
      dependencies,
      { name: 'replan', idleMs: config.planning.everyMs },
      async () => (await replan(platform, planner, round, replanning)).next,
    )
  const waits = new Loop(
    dependencies,
    { name: 'watch-waits', idleMs: loopIdleMs },
    async () => (await watchWaits(platform)).next,
  )
  const release = new Loop(dependencies, { name: 'release-state', idleMs: RELEASE_EVERY_MS }, () =>
    releaseState(platform),
  )
  const prune = new Loop(dependencies, { name: 'prune-events', idleMs: PRUNE_EVERY_MS }, async () => {
    const pruned = await database.transact(async (tx) => [
      await tx.events.prune(clock.now() - EVENTS_KEPT_MS, PRUNE_BATCH),
      await tx.jobs.runs.forget(clock.now() - RUNS_KEPT_MS, PRUNE_BATCH),
    ])
    return pruned.includes(PRUNE_BATCH) ? 'more' : 'idle'
  })
  const mix = mixnet?.mayStep ? mixnetLoops(dependencies, mixnet) : undefined
  const entry = mixnet && connect && entryLoop(mixnet, connect)
  const wakes: [WakeTopic, Loop][] = [
    ['place', place],
    ['settle', settle],
  ]
  if (mix) wakes.push(['mixnet', mix.agree])
  const stopListening = wakes.map(([topic, loop]) => database.onWake(topic, () => loop.wake()))
  try {
    await Promise.all(
      [
        place,
        settle,
        expire,
        overdue,
        schedules,
        gateways,
        waits,
        prune,
        release,
        ...(replans ? [replans] : []),
        ...Object.values(mix ?? {}),
        ...(entry ? [entry] : []),
      ].map((loop) => loop.run(signal)),
    )
  } finally {
    for (const stop of stopListening) stop()
  }
}
