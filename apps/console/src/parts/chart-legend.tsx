export interface ChartKey {
  readonly name: string
  /** A colour of the theme, such as `--bar-run`. */
  readonly colour: string
  readonly dash?: readonly number[]
}

/** Which line of a chart is which: by its colour and how it is dashed. `boxes` for bars. */
export function ChartLegend({ keys, boxes = false }: { keys: readonly ChartKey[]; boxes?: boolean }) {
  return (
    <ul aria-hidden="true" className="flex flex-wrap gap-x-4 gap-y-1 text-[0.8125rem] text-soft">
      {keys.map(({ name, colour, dash }) => (
        <li key={name} className="inline-flex items-center gap-1.5">
          <svg width={boxes ? 10 : 26} height={10}>
            {boxes ? (
              <rect width={10} height={10} rx={2} fill={`var(${colour})`} />
            ) : (
              <line
                x1={0}
                x2={26}
                y1={5}
                y2={5}
                stroke={`var(${colour})`}
                strokeWidth={2}
                strokeDasharray={dash?.join(' ')}
              />
            )}
          </svg>
          {name}
        </li>
      ))}
    </ul>
  )
}
