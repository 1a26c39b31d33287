import type { FrontView } from '@fog/contract'
import { useWidth } from '../../parts/use-width.ts'
import { formatValue } from './front-words.ts'
import { scaleOf } from './scale.ts'

/** Before it was measured. */
const USUAL_WIDTH = 640
const HEIGHT = 320
const LEFT = 64
const RIGHT = 12
const TOP = 12
const BOTTOM = 44

interface FrontPlotProps {
  readonly front: FrontView
  /** Places of two objectives in the front: along, and up. */
  readonly across: number
  readonly up: number
  readonly looked: number
  readonly onLook: (point: number) => void
}

/** The plans of one front by two of their objectives, less being better on both; the one in force stands out. */
export function FrontPlot({ front, across, up, looked, onLook }: FrontPlotProps) {
  const [place, width] = useWidth<SVGSVGElement>(USUAL_WIDTH)
  const { points, objectives, chosen } = front
  const x = scaleOf(
    points.map(({ values }) => values[across] ?? 0),
    LEFT,
    width - RIGHT,
  )
  const y = scaleOf(
    points.map(({ values }) => values[up] ?? 0),
    HEIGHT - BOTTOM,
    TOP,
  )
  const [along, upward] = [objectives[across], objectives[up]]
  const label = `${points.length} plans by ${along?.name} and ${upward?.name}; the table below has their figures.`
  return (
    <svg ref={place} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label} className="h-80 w-full">
      {x.marks.map((mark) => (
        <text
          key={mark}
          x={x.place(mark)}
          y={HEIGHT - BOTTOM + 18}
          textAnchor="middle"
          className="fill-faint text-[11px]"
        >
          {formatValue(mark)}
        </text>
      ))}
      {y.marks.map((mark) => (
        <g key={mark}>
          <line x1={LEFT} x2={width - RIGHT} y1={y.place(mark)} y2={y.place(mark)} className="stroke-line" />
          <text x={LEFT - 8} y={y.place(mark) + 4} textAnchor="end" className="fill-faint text-[11px]">
            {formatValue(mark)}
          </text>
        </g>
      ))}
      <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 8} textAnchor="middle" className="fill-soft text-[12px]">
        {along?.name} ({along?.unit})
      </text>
      <text
        x={14}
        y={(TOP + HEIGHT - BOTTOM) / 2}
        textAnchor="middle"
        transform={`rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})`}
        className="fill-soft text-[12px]"
      >
        {upward?.name} ({upward?.unit})
      </text>
      {points.map(({ values }, i) => (
        <circle
          key={i}
          cx={x.place(values[across] ?? 0)}
          cy={y.place(values[up] ?? 0)}
          r={i === chosen ? 8 : i === looked ? 7 : 5}
          onPointerEnter={() => onLook(i)}
          className={
            i === chosen
              ? 'fill-accent stroke-surface'
              : i === looked
                ? 'fill-ink stroke-surface'
                : 'fill-soft stroke-surface'
          }
          strokeWidth={1.5}
        />
      ))}
    </svg>
  )
}
