import { useEffect, useRef } from 'react'
import uPlot from 'uplot'

export interface ChartSeries {
  readonly name: string
  /** A colour of the theme, such as `--bar-run`. */
  readonly colour: string
  readonly dash?: readonly number[]
  /** One for each place along the axis; null where nothing is known. */
  readonly values: readonly (number | null)[]
}

interface SeriesChartProps {
  /** What the picture shows, in a sentence with its figures. */
  readonly label: string
  /** Whole numbers, rising. */
  readonly along: readonly number[]
  readonly series: readonly ChartSeries[]
  /** Lines over each other, or bars on each other. */
  readonly kind: 'lines' | 'stack'
  /** What stands below a place of the axis. */
  readonly nameOf: (place: number) => string
  readonly format: (value: number) => string
}

/**
 * Several series over whole numbers such as epochs. Who cannot see it reads the label; a table goes next to it. Its colours are read
 * once: key it by the theme. What is unknown is a gap, never a line across.
 */
export function SeriesChart({ label, along, series, kind, nameOf, format }: SeriesChartProps) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current!
    const size = () => ({ width: element.clientWidth, height: element.clientHeight })
    const shown = kind === 'stack' ? stacked(series) : series
    const data: uPlot.AlignedData = [[...along], ...shown.map(({ values }) => [...values])]
    const plot = new uPlot({ ...optionsFor(element, { shown, kind, nameOf, format }), ...size() }, data, element)
    const watch = new ResizeObserver(() => plot.setSize(size()))
    watch.observe(element)
    return () => {
      watch.disconnect()
      plot.destroy()
    }
  }, [along, series, kind, nameOf, format])
  return <div ref={place} role="img" aria-label={label} className="h-full w-full overflow-hidden" />
}

// Each on what lies below it, the whole first: the smaller sums are painted over the larger ones.
function stacked(series: readonly ChartSeries[]): ChartSeries[] {
  const below: (number | null)[] = []
  const sums = series.map((one) => {
    const values = one.values.map((value, i) => (value === null ? null : value + (below[i] ?? 0)))
    below.splice(0, below.length, ...values)
    return { ...one, values }
  })
  return sums.toReversed()
}

type Look = Pick<SeriesChartProps, 'kind' | 'nameOf' | 'format'> & { readonly shown: readonly ChartSeries[] }

function optionsFor(
  element: HTMLElement,
  { shown, kind, nameOf, format }: Look,
): Omit<uPlot.Options, 'width' | 'height'> {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim()
  const axis = { stroke: colour('--faint'), font: '11px Geist, sans-serif', ticks: { show: false } }
  const bars = uPlot.paths.bars!({ size: [0.7, 28] })
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 20, 0, 0],
    scales: {
      // Half a place of room at both ends, so that a first or only one is seen.
      x: { time: false, range: (_plot, low, high) => [low - 0.5, high + 0.5] },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        incrs: [1, 2, 5, 10, 20, 50, 100],
        values: (_plot, splits) => splits.map((split) => (Number.isInteger(split) ? nameOf(split) : '')),
        space: 70,
        size: 26,
      },
      {
        ...axis,
        size: 56,
        grid: { stroke: colour('--line'), width: 1 },
        values: (_plot, splits) => splits.map(format),
      },
    ],
    series: [
      {},
      ...shown.map(({ name, colour: paint, dash }): uPlot.Series => {
        const stroke = colour(paint)
        if (kind === 'stack')
          return { label: name, fill: stroke, stroke, width: 0, paths: bars, points: { show: false } }
        return {
          label: name,
          stroke,
          width: 2,
          spanGaps: false,
          ...(dash && { dash: [...dash] }),
          points: { show: true, size: 5, fill: stroke, stroke },
        }
      }),
    ],
  }
}
