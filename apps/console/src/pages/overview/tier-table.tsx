import type { TiersView } from '@fog/contract'
import { countOf, formatCount, formatDuration } from '../../format/format.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'

type TierRow = TiersView['tiers'][number]

const COLUMNS: readonly Column<TierRow>[] = [
  { id: 'tier', header: 'Tier', cell: (row) => <span className="font-medium capitalize">{row.tier}</span> },
  { id: 'wait', header: 'Wait (95 %)', align: 'end', cell: (row) => <Wait row={row} /> },
  { id: 'promised', header: 'Promised', align: 'end', cell: (row) => <Bound ms={row.promises.queueWaitP95Ms} /> },
  {
    id: 'restart',
    header: 'Restarts',
    align: 'end',
    from: 'md',
    cell: (row) =>
      row.restarts.count === 0 ? (
        formatCount(0)
      ) : (
        <span title={`95 of 100 within ${spell(row.restarts.p95Ms)}`}>{formatCount(row.restarts.count)}</span>
      ),
  },
  { id: 'broken', header: 'Not kept', align: 'end', cell: (row) => <Broken row={row} /> },
]

/** How each tier's promises were kept lately. What was not measured says so. */
export function TierTable({ tiers }: { tiers: readonly TierRow[] }) {
  return (
    <DataTable
      caption="What each tier promises and how it was kept"
      columns={COLUMNS}
      rows={tiers}
      rowId={(row) => row.tier}
    />
  )
}

function Wait({ row: { started, queueWait, waitKept } }: { row: TierRow }) {
  if (queueWait.p95Ms === undefined) return <span className="text-faint">unknown</span>
  const title = `of ${countOf(started, 'task')} half within ${spell(queueWait.p50Ms)}, 99 of 100 within ${spell(queueWait.p99Ms)}`
  return (
    <span title={title} className={waitKept === false ? 'font-medium text-bad' : undefined}>
      {formatDuration(queueWait.p95Ms)}
    </span>
  )
}

function Bound({ ms }: { ms: number | undefined }) {
  return ms === undefined ? <span className="text-faint">none</span> : formatDuration(ms)
}

function Broken({ row: { broken } }: { row: TierRow }) {
  const sum = broken.queueWait + broken.restart + broken.runStretch
  if (sum === 0) return formatCount(0)
  const parts = [
    ...(broken.queueWait > 0 ? [countOf(broken.queueWait, 'late start')] : []),
    ...(broken.restart > 0 ? [countOf(broken.restart, 'late restart')] : []),
    ...(broken.runStretch > 0 ? [countOf(broken.runStretch, 'slow run')] : []),
  ]
  return (
    <span title={parts.join(', ')} className="font-medium text-bad">
      {formatCount(sum)}
    </span>
  )
}

function spell(ms: number | undefined): string {
  return ms === undefined ? 'an unknown time' : formatDuration(ms)
}
