import { type ReactNode, useId } from 'react'
import { classes } from './classes.ts'

interface CardProps {
  readonly title?: ReactNode
  /** One calm line below the title. */
  readonly note?: ReactNode
  /** Right of the title. */
  readonly actions?: ReactNode
  readonly children: ReactNode
  readonly className?: string
  /** Whether the content touches the card's edges, as tables do. */
  readonly flush?: boolean
}

/** A sheet of paper with a heading: one idea of a page. */
export function Card({ title, note, actions, children, className, flush = false }: CardProps) {
  const heading = useId()
  return (
    <section
      aria-labelledby={title === undefined ? undefined : heading}
      className={classes('min-w-0 rounded-2xl border border-line bg-surface shadow-card', className)}
    >
      {title !== undefined && (
        <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 pt-4 pb-3 sm:px-5">
          <div className="min-w-0">
            <h2 id={heading} className="text-[0.9375rem] font-semibold tracking-[-0.005em]">
              {title}
            </h2>
            {note !== undefined && <p className="text-[0.8125rem] text-faint">{note}</p>}
          </div>
          {actions}
        </header>
      )}
      <div
        className={
          flush
            ? 'overflow-hidden rounded-b-2xl'
            : classes('px-4 pb-4 sm:px-5 sm:pb-5', title === undefined && 'pt-4 sm:pt-5')
        }
      >
        {children}
      </div>
    </section>
  )
}

/** One figure with its name: large, quiet, aligned. */
export function Figure({
  name,
  value,
  unit,
  note,
}: {
  name: string
  value: ReactNode
  unit?: string
  note?: ReactNode
}) {
  return (
    <div className="min-w-0">
      <dt className="text-[0.8125rem] text-faint">{name}</dt>
      <dd className="figures mt-0.5 text-xl leading-7 font-semibold tracking-[-0.02em] break-words sm:text-2xl sm:leading-8">
        {value}
        {unit && <span className="ml-1 text-sm font-medium tracking-normal whitespace-nowrap text-soft">{unit}</span>}
      </dd>
      {note !== undefined && <dd className="figures text-[0.8125rem] text-faint">{note}</dd>}
    </div>
  )
}

/** Names and values in two columns. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6.5rem,auto)_minmax(0,1fr)] gap-x-4 gap-y-2 text-sm">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-faint">{name}</dt>
          <dd className="figures min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
