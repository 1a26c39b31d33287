import { lazy, Suspense } from 'react'
import { type EndedInSecond, KEPT_SECONDS } from '../../feed/feed-store.ts'
import { formatClock, formatCount } from '../../format/format.ts'
import { useTheme } from '../../parts/theme.ts'
import { useNow } from '../../parts/time.tsx'

const Chart = lazy(async () => import('../../parts/chart.tsx').then(({ Chart }) => ({ default: Chart })))

const LEAST_SECONDS = 60

/** How many tasks ended in each of the last seconds, as a picture and as a table. */
export function Throughput({ seconds, since }: { seconds: readonly EndedInSecond[]; since: number }) {
  const { shown } = useTheme()
  const now = Math.floor(useNow() / 1000)
  const from = Math.max(Math.min(Math.floor(since / 1000), now - LEAST_SECONDS), now - KEPT_SECONDS)
  const inSight = seconds.filter(({ second }) => second >= from)
  const done = sum(inSight.map((entry) => entry.done))
  const failed = sum(inSight.map((entry) => entry.failed))
  const summary = `${formatCount(done)} done and ${formatCount(failed)} failed since ${formatClock(Math.max(from * 1000, since))}`
  return (
    <div>
      <div className="h-40">
        <Suspense fallback={null}>
          <Chart key={shown} label={`Tasks ended each second: ${summary}.`} data={perSecond(inSight, from, now)} />
        </Suspense>
      </div>
      <p className="figures mt-1 text-[0.8125rem] text-soft">{summary}.</p>
      {inSight.length > 0 && (
        <details className="mt-1 text-sm">
          <summary className="w-fit rounded text-[0.8125rem] text-accent">Show as a table</summary>
          <table className="figures mt-2 w-full max-w-xs text-left text-[0.8125rem]">
            <thead className="text-faint">
              <tr>
                <th scope="col">Second</th>
                <th scope="col">Done</th>
                <th scope="col">Failed</th>
              </tr>
            </thead>
            <tbody>
              {inSight.toReversed().map((entry) => (
                <tr key={entry.second}>
                  <td>{formatClock(entry.second * 1000)}</td>
                  <td>{formatCount(entry.done)}</td>
                  <td>{formatCount(entry.failed)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </div>
  )
}

function perSecond(seconds: readonly EndedInSecond[], from: number, now: number): [number[], number[], number[]] {
  const bySecond = new Map(seconds.map((entry) => [entry.second, entry]))
  const times = Array.from({ length: Math.max(2, now - from + 1) }, (_, offset) => from + offset)
  return [
    times,
    times.map((time) => bySecond.get(time)?.done ?? 0),
    times.map((time) => bySecond.get(time)?.failed ?? 0),
  ]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
