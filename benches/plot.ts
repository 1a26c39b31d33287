import type { EChartsCoreOption } from 'echarts/core'
import { LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One set of points of a plot, in the units its axes name. */
export interface PlotSeries {
  readonly name: string
  /** `steps` holds each value until the next point, as in a cumulative distribution. Points by default. */
  readonly as?: 'points' | 'line' | 'steps'
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Diameter of a point in pixels; 5 by default. A chosen point is shown by a series of its own with a larger one. */
  readonly size?: number
  readonly symbol?: 'circle' | 'rect' | 'triangle' | 'diamond' | 'pin'
}

export interface Plot {
  readonly title: string
  readonly subtitle?: string
  readonly x: PlotAxis
  readonly y: PlotAxis
  readonly series: readonly PlotSeries[]
  /** Bars the figures are held to, drawn as dashed lines across the plot. */
  readonly bars?: readonly PlotBar[]
}

export interface PlotAxis {
  readonly label: string
  /** `log` needs values above zero. */
  readonly scale?: 'linear' | 'log'
  readonly least?: number
  readonly most?: number
}

export type PlotBar = { readonly name: string } & ({ readonly x: number } | { readonly y: number })

const WIDTH = 760
const HEIGHT = 480

/** Told apart on white, and by those who see few colours (Okabe and Ito 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#444444']

use([ScatterChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer])

/**
 * Draws a plot into `benches/results/<name>.svg`, beside the JSON of the results, and answers its path. A name starts with
 * its bench, as `nsga2-zdt1`; the next run draws it anew.
 */
export async function writePlot(name: string, plot: Plot): Promise<string> {
  const folder = join(import.meta.dirname, 'results')
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${name}.svg`)
  await writeFile(path, renderPlot(plot))
  return path
}

/** A plot as the text of one SVG, 760 x 480. */
export function renderPlot(plot: Plot): string {
  const chart = init(null, undefined, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  try {
    chart.setOption(optionOf(plot))
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

function optionOf({ title, subtitle, x, y, series, bars = [] }: Plot): EChartsCoreOption {
  return {
    animation: false,
    color: COLOURS,
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center', ...(subtitle !== undefined && { subtext: subtitle }) },
    legend: { bottom: 4, type: 'plain', itemGap: 28 },
    grid: { left: 76, right: 36, top: subtitle === undefined ? 48 : 66, bottom: 84 },
    xAxis: { ...axisOf(x), nameGap: 30 },
    yAxis: { ...axisOf(y), nameGap: 56 },
    series: series.map((each, i) => ({ ...seriesOf(each), ...(i === 0 && { markLine: linesOf(bars) }) })),
  }
}

function axisOf({ label, scale = 'linear', least, most }: PlotAxis): object {
  return {
    name: label,
    nameLocation: 'middle',
    type: scale === 'log' ? 'log' : 'value',
    scale: true,
    ...(least !== undefined && { min: least }),
    ...(most !== undefined && { max: most }),
  }
}

function seriesOf({ name, as = 'points', points, size = 5, symbol = 'circle' }: PlotSeries): object {
  const data = points.map(([x, y]) => [x, y])
  if (as === 'points') return { name, type: 'scatter', data, symbol, symbolSize: size }
  return { name, type: 'line', data, showSymbol: false, ...(as === 'steps' && { step: 'end' }) }
}

function linesOf(bars: readonly PlotBar[]): object {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { type: 'dashed', color: '#777777' },
    label: { formatter: '{b}', position: 'insideEndTop' },
    data: bars.map((bar) => ('x' in bar ? { name: bar.name, xAxis: bar.x } : { name: bar.name, yAxis: bar.y })),
  }
}
