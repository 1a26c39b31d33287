import { countOf, formatCount, percentOf } from '../format/format.ts'

export interface Counts {
  readonly queued: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
}

const PARTS = [
  { key: 'done', look: 'bg-bar-good' },
  { key: 'failed', look: 'bg-bar-bad' },
  { key: 'cancelled', look: 'bg-bar-warn' },
  { key: 'running', look: 'bg-bar-run' },
] as const

/** How far a job is, as a bar in parts. The words next to it say the same. */
export function TaskBar({
  counts,
  tasks,
  label,
  tall = false,
}: {
  counts: Counts
  tasks: number
  label: string
  tall?: boolean
}) {
  const ended = counts.done + counts.failed + counts.cancelled
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={tasks}
      aria-valuenow={ended}
      aria-valuetext={countsSentence(counts, tasks)}
      className={`flex w-full overflow-hidden rounded-full bg-track ${tall ? 'h-3' : 'h-1.5'}`}
    >
      {PARTS.map(({ key, look }) => (
        <div
          key={key}
          className={`h-full transition-[width] duration-500 ease-out ${look}`}
          style={{ width: `${percentOf(counts[key], tasks)}%` }}
        />
      ))}
    </div>
  )
}

/** `12 of 16 tasks done, 2 running, 1 failed`. */
export function countsSentence(counts: Counts, tasks: number): string {
  const rest = [
    counts.running > 0 && `${formatCount(counts.running)} running`,
    counts.failed > 0 && `${formatCount(counts.failed)} failed`,
    counts.cancelled > 0 && `${formatCount(counts.cancelled)} cancelled`,
  ]
  return [`${formatCount(counts.done)} of ${countOf(tasks, 'task')} done`, ...rest.filter(Boolean)].join(', ')
}

/** How much of something is taken. */
export function UsageBar({ part, whole, label, text }: { part: number; whole: number; label: string; text: string }) {
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percentOf(part, whole))}
      aria-valuetext={text}
      className="h-1.5 w-full overflow-hidden rounded-full bg-track"
    >
      <div
        className="h-full rounded-full bg-bar-run transition-[width] duration-500 ease-out"
        style={{ width: `${percentOf(part, whole)}%` }}
      />
    </div>
  )
}
