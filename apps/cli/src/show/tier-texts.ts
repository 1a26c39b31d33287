import type { TiersView } from '@fog/contract'
import type { Colours } from './colours.ts'
import { tableText } from './table.ts'
import { count, durationText } from './words.ts'

type TierRow = TiersView['tiers'][number]

/** What was not measured says so: it is never shown as zero. */
const UNKNOWN = 'unknown'

/** How promises were kept, and all that is promised: a line a tier each. */
export function tiersText({ from, to, headroomCores, tiers }: TiersView, colours: Colours): string {
  const columns = [
    { title: 'TIER' },
    { title: 'BEGUN', align: 'right' },
    { title: 'WAIT P50', align: 'right' },
    { title: 'P95', align: 'right' },
    { title: 'P99', align: 'right' },
    { title: 'PROMISED', align: 'right' },
    { title: 'RESTARTS', align: 'right' },
    { title: 'P95', align: 'right' },
    { title: 'PROMISED', align: 'right' },
    { title: 'PREEMPTED', align: 'right' },
    { title: 'BROKEN' },
  ] as const
  const rows = tiers.map((row) => [
    row.tier,
    String(row.started),
    ...waitTexts(row, colours),
    row.promises.queueWaitP95Ms === undefined ? colours.dim('none') : durationText(row.promises.queueWaitP95Ms),
    String(row.restarts.count),
    known(row.restarts.p95Ms, colours),
    row.promises.restartMs === undefined ? colours.dim('none') : durationText(row.promises.restartMs),
    String(row.preempted),
    brokenText(row, colours),
  ])
  const window = durationText(Date.parse(to) - Date.parse(from))
  const kept = headroomCores > 0 ? `${count(headroomCores, 'core')} kept for Platinum` : 'no cores kept for Platinum'
  const kepts = `${tableText(columns, rows, colours)}\n\nOver the last ${window}; ${kept} now.`
  return `${kepts}\n\n${promisesText(tiers, colours)}`
}

function promisesText(tiers: readonly TierRow[], colours: Colours): string {
  const none = colours.dim('none')
  const columns = [
    { title: 'PROMISES' },
    { title: 'ROUND TRIP', align: 'right' },
    { title: 'RUN TIME UP TO', align: 'right' },
    { title: 'FAILURE DOMAINS', align: 'right' },
    { title: 'TAKES ROOM FROM' },
    { title: 'CREDIT', align: 'right' },
  ] as const
  const rows = tiers.map(({ tier, promises: { latencyMs, runStretch, failureDomains, preempts, creditPercent } }) => [
    tier,
    latencyMs === undefined ? none : `${latencyMs} ms`,
    `${runStretch} x`,
    String(failureDomains),
    preempts.length === 0 ? none : preempts.join(', '),
    creditPercent === 0 ? none : `${creditPercent} %`,
  ])
  return tableText(columns, rows, colours)
}

function waitTexts({ queueWait, waitKept }: TierRow, colours: Colours): string[] {
  const { p50Ms, p95Ms, p99Ms } = queueWait
  const p95 = known(p95Ms, colours)
  return [known(p50Ms, colours), waitKept === false ? colours.red(p95) : p95, known(p99Ms, colours)]
}

function known(ms: number | undefined, colours: Colours): string {
  return ms === undefined ? colours.dim(UNKNOWN) : durationText(ms)
}

function brokenText({ broken: { queueWait, restart, runStretch } }: TierRow, colours: Colours): string {
  const parts = [
    ...(queueWait > 0 ? [count(queueWait, 'wait')] : []),
    ...(restart > 0 ? [count(restart, 'restart')] : []),
    ...(runStretch > 0 ? [count(runStretch, 'slow run')] : []),
  ]
  return parts.length === 0 ? colours.green('none') : colours.red(parts.join(', '))
}
