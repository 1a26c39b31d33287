import { lazy, Suspense, useMemo } from 'react'
import { formatClock, formatCount } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { type ChartKey, ChartLegend } from '../../parts/chart-legend.tsx'
import { useTheme } from '../../parts/theme.ts'
import { type Counted, type EpochFlow, lengthOf, perSecond, seriesOf } from './flow.ts'
import { rateText } from './words.ts'

const SeriesChart = lazy(async () =>
  import('../../parts/series-chart.tsx').then((loaded) => ({ default: loaded.SeriesChart })),
)

const LINES: readonly (ChartKey & { readonly field: Counted })[] = [
  { field: 'received', name: 'Received', colour: '--bar-run' },
  { field: 'forwarded', name: 'Forwarded', colour: '--bar-good', dash: [8, 4] },
  { field: 'delivered', name: 'Delivered', colour: '--accent', dash: [2, 3] },
  { field: 'cover', name: 'Cover', colour: '--bar-warn', dash: [12, 3, 2, 3] },
]

/** Packets a second by epoch, drawn. */
export function RatesChart({ flows, of }: { flows: readonly EpochFlow[]; of: string }) {
  const { shown } = useTheme()
  const { epochs, series, nameOf } = useMemo(() => chartOf(flows), [flows])
  const latest = flows[0]!
  const says = LINES.map(
    ({ name, field }) => `${name.toLowerCase()} ${rateText(perSecond(latest[field], lengthOf(latest)))}`,
  )
  const summary = `In epoch ${formatCount(latest.epoch)}, packets a second: ${says.join(', ')}.`
  return (
    <Card title="Packets a second" note={`Of ${of}: sums over the length of each epoch. The table below has the sums.`}>
      <ChartLegend keys={LINES} />
      <div className="mt-2 h-56">
        <Suspense fallback={null}>
          <SeriesChart
            key={shown}
            label={`Packets a second of ${of} by epoch, ${formatCount(epochs.length)} of them. ${summary}`}
            along={epochs}
            series={series}
            kind="lines"
            nameOf={nameOf}
            format={rateText}
          />
        </Suspense>
      </div>
      <p className="figures mt-1 text-[0.8125rem] text-soft">{summary}</p>
    </Card>
  )
}

function chartOf(flows: readonly EpochFlow[]) {
  const { epochs, series } = seriesOf(
    flows,
    LINES.map(
      ({ field }) =>
        (flow: EpochFlow) =>
          perSecond(flow[field], lengthOf(flow)),
    ),
  )
  return { epochs, series: LINES.map((line, i) => ({ ...line, values: series[i]! })), nameOf: clockBy(flows) }
}

/** When an epoch began, for the axis; known for any epoch from the times of one. */
export function clockBy(rows: readonly { readonly epoch: number; readonly from: string; readonly to: string }[]) {
  const [one] = rows
  return (epoch: number): string => (one ? formatClock(Date.parse(one.from) + (epoch - one.epoch) * lengthOf(one)) : '')
}
