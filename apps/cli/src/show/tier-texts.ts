import type { TiersView } from '@fog/contract'
import type { Colours } from './colours.ts'
import { tableText } from './table.ts'
import { count, durationText } from './words.ts'

type TierRow = TiersView['tiers'][number]

/** What was not measured says so: it is never shown as zero. */
const UNKNOWN = 'unknown'

/** Promises and how they were kept, a line a tier. */
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
  return `${tableText(columns, rows, colours)}\n\nOver the last ${window}; ${kept} now.`
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
