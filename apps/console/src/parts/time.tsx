import { useSyncExternalStore } from 'react'
import { formatDuration, formatExact, formatRelative, UNKNOWN } from '../format/format.ts'

const TICK_MS = 1000
const listeners = new Set<() => void>()
const beat: { timer: ReturnType<typeof setInterval> | undefined; now: number } = { timer: undefined, now: 0 }

// One beat for the whole page, and none while nothing shows a time.
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  beat.timer ??= setInterval(tick, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(beat.timer)
    beat.timer = undefined
  }
}

function tick(): void {
  beat.now = Date.now()
  for (const listener of listeners) listener()
}

function currentBeat(): number {
  // Between beats the answer stays the same, as React asks of a snapshot.
  if (Date.now() - beat.now > TICK_MS) beat.now = Date.now()
  return beat.now
}

/** The time, moving once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, currentBeat)
}

/** How long ago, exact on hover. */
export function Ago({ at, unknown = UNKNOWN }: { at: string | undefined; unknown?: string }) {
  const now = useNow()
  if (at === undefined) return <span className="text-faint">{unknown}</span>
  const instant = Date.parse(at)
  return (
    <time dateTime={at} title={formatExact(instant)} className="whitespace-nowrap">
      {formatRelative(instant, now)}
    </time>
  )
}

/** How long something took, or has taken so far. */
export function Took({ from, to }: { from: string | undefined; to: string | undefined }) {
  return to === undefined ? <TakenSoFar from={from} /> : <Length from={from} to={Date.parse(to)} />
}

function TakenSoFar({ from }: { from: string | undefined }) {
  return <Length from={from} to={useNow()} />
}

function Length({ from, to }: { from: string | undefined; to: number }) {
  if (from === undefined) return <span className="text-faint">not started</span>
  return <span className="figures whitespace-nowrap">{formatDuration(Math.max(0, to - Date.parse(from)))}</span>
}
