import { lazy, Suspense, useMemo } from 'react'
import type { MixPlaceFlowsView } from '@fog/contract'
import { countOf, formatClock, formatCount, formatExact } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { ChartLegend } from '../../parts/chart-legend.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { useTheme } from '../../parts/theme.ts'
import type { Place } from './epochs.ts'
import { dropsOf, reasonsOf, seriesOf } from './flow.ts'
import { clockBy } from './rates-chart.tsx'
import { dropMeaning, dropName } from './words.ts'

const SeriesChart = lazy(async () =>
  import('../../parts/series-chart.tsx').then((loaded) => ({ default: loaded.SeriesChart })),
)

const COLOURS = ['--bar-bad', '--bar-warn', '--bar-run', '--accent', '--bar-good', '--edge', '--beacon', '--bar-idle']

interface Row {
  readonly epoch: number
  readonly from: string
  readonly to: string
  readonly drops: ReadonlyMap<string, number>
}

interface DropsCardProps {
  readonly epochs: readonly MixPlaceFlowsView[]
  readonly place: Place | 'all'
  readonly of: string
}

/** Packets dropped by epoch and reason: bars, a table, and what the reasons mean. */
export function DropsCard({ epochs, place, of }: DropsCardProps) {
  const { shown } = useTheme()
  const { rows, reasons, along, series, nameOf } = useMemo(() => dropsShown(epochs, place), [epochs, place])
  const total = rows.reduce((sum, { drops }) => sum + allOf(drops), 0)
  const note = `Of ${of}, by reason, over the last ${countOf(rows.length, 'reported epoch')}.`
  if (reasons.length === 0) {
    return (
      <Card title="Dropped packets" note={note}>
        <p className="text-sm text-soft">None was dropped.</p>
      </Card>
    )
  }
  const keys = reasons.map((reason, i) => ({ name: dropName(reason), colour: colourOf(i) }))
  const label = `Packets dropped of ${of} by epoch and reason: ${formatCount(total)} in all, ${reasons.map((reason) => `${formatCount(sumOf(rows, reason))} ${dropName(reason).toLowerCase()}`).join(', ')}.`
  return (
    <Card flush title="Dropped packets" note={note}>
      <div className="px-4 pb-4 sm:px-5">
        <ChartLegend keys={keys} boxes />
        <div className="mt-2 h-44">
          <Suspense fallback={null}>
            <SeriesChart
              key={shown}
              label={label}
              along={along}
              series={series}
              kind="stack"
              nameOf={nameOf}
              format={formatCount}
            />
          </Suspense>
        </div>
        <ul className="mt-2 text-[0.8125rem] text-soft">
          {reasons.map((reason) => (
            <li key={reason}>
              <span className="font-medium">{dropName(reason)}</span>: {dropMeaning(reason)}.
            </li>
          ))}
        </ul>
      </div>
      <details className="border-t border-line">
        <summary className="mx-4 my-2 w-fit rounded text-[0.8125rem] text-accent sm:mx-5">Show as a table</summary>
        <DataTable
          caption={`Packets dropped of ${of} by epoch and reason`}
          columns={COLUMNS}
          rows={rows}
          rowId={({ epoch }) => String(epoch)}
        />
      </details>
    </Card>
  )
}

function dropsShown(epochs: readonly MixPlaceFlowsView[], place: Place | 'all') {
  const rows = epochs.map((view): Row => ({
    epoch: view.epoch,
    from: view.from,
    to: view.to,
    drops: dropsOf(view, place),
  }))
  const reasons = reasonsOf(rows.map(({ drops }) => drops))
  const { epochs: along, series } = seriesOf(
    rows,
    reasons.map(
      (reason) =>
        ({ drops }: Row) =>
          drops.get(reason) ?? 0,
    ),
  )
  const shown = reasons.map((reason, i) => ({ name: dropName(reason), colour: colourOf(i), values: series[i]! }))
  return { rows, reasons, along, series: shown, nameOf: clockBy(rows) }
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]!
}

function sumOf(rows: readonly Row[], reason: string): number {
  return rows.reduce((sum, { drops }) => sum + (drops.get(reason) ?? 0), 0)
}

function allOf(drops: ReadonlyMap<string, number>): number {
  return [...drops.values()].reduce((sum, count) => sum + count, 0)
}

const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'epoch',
    header: 'Epoch',
    sort: ({ epoch }) => epoch,
    cell: ({ epoch, from }) => (
      <span title={formatExact(Date.parse(from))} className="figures whitespace-nowrap">
        {formatCount(epoch)} <span className="text-faint">{formatClock(Date.parse(from))}</span>
      </span>
    ),
  },
  {
    id: 'all',
    header: 'Dropped',
    align: 'end',
    sort: ({ drops }) => allOf(drops),
    cell: ({ drops }) => formatCount(allOf(drops)),
  },
  { id: 'reasons', header: 'By reason', className: 'w-full', cell: ({ drops }) => reasonsText(drops) },
]

/** `9 link full, 1 replayed`. */
function reasonsText(drops: ReadonlyMap<string, number>): string {
  return [...drops].map(([reason, count]) => `${formatCount(count)} ${dropName(reason).toLowerCase()}`).join(', ')
}
