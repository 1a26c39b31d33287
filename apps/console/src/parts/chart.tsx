import { useEffect, useRef } from 'react'
import uPlot from 'uplot'

interface ChartProps {
  /** What the picture shows, in a sentence with its figures. */
  readonly label: string
  /** Seconds since 1970, then two series of whole counts: good and bad. */
  readonly data: [number[], number[], number[]]
}

/**
 * Two series of bars over time. Who cannot see it reads the label; a table goes next to it. Its colours are read once: key it
 * by the theme.
 */
export function Chart({ label, data }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  useEffect(() => {
    const element = place.current!
    const size = () => ({ width: element.clientWidth, height: element.clientHeight })
    const made = new uPlot({ ...optionsFor(element), ...size() }, [[], [], []], element)
    plot.current = made
    const watch = new ResizeObserver(() => made.setSize(size()))
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [])
  useEffect(() => plot.current?.setData(data), [data])
  return <div ref={place} role="img" aria-label={label} className="h-full w-full overflow-hidden" />
}

function optionsFor(element: HTMLElement): Omit<uPlot.Options, 'width' | 'height'> {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim()
  const axis = { stroke: colour('--faint'), font: '11px Geist, sans-serif', ticks: { show: false } }
  const bars = uPlot.paths.bars!({ size: [0.8, 14], align: 1 })
  const series = (name: string, paint: string): uPlot.Series => ({
    label: name,
    fill: paint,
    stroke: paint,
    width: 0,
    paths: bars,
    points: { show: false },
  })
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 24, 0, 0],
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(4, Math.ceil(high * 1.1))] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: [[1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1]],
        space: 80,
        size: 26,
      },
      {
        ...axis,
        size: 34,
        grid: { stroke: colour('--line'), width: 1 },
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
      },
    ],
    series: [{}, series('Done', colour('--bar-good')), series('Failed', colour('--bar-bad'))],
  }
}
