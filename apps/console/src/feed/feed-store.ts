import type { EventView } from '@fog/contract'
import type { FeedState } from './feed-connection.ts'

/** What this tab has heard since it was opened: the latest events, and how many tasks ended in each second. */
export interface FeedSnapshot {
  readonly state: FeedState
  /** Newest first. */
  readonly events: readonly EventView[]
  /** Tasks done and failed by second of their event, oldest first. */
  readonly seconds: readonly EndedInSecond[]
  /** Since when this tab listens. */
  readonly since: number
}

export interface EndedInSecond {
  /** Whole seconds since 1970. */
  readonly second: number
  readonly done: number
  readonly failed: number
}

export const KEPT_EVENTS = 200
export const KEPT_SECONDS = 300

/** Adds a batch, in order of the feed. Pure. */
export function withEvents(snapshot: FeedSnapshot, batch: readonly EventView[]): FeedSnapshot {
  const told = batch.filter((event) => event.type !== 'task.logged')
  const events = [...told.toReversed(), ...snapshot.events].slice(0, KEPT_EVENTS)
  return { ...snapshot, events, seconds: withEnded(snapshot.seconds, batch) }
}

function withEnded(seconds: readonly EndedInSecond[], batch: readonly EventView[]): readonly EndedInSecond[] {
  const ended = batch.filter(({ type }) => type === 'task.done' || type === 'task.failed')
  if (ended.length === 0) return seconds
  const bySecond = new Map(seconds.map((entry) => [entry.second, entry]))
  for (const event of ended) {
    const second = Math.floor(Date.parse(event.at) / 1000)
    const before = bySecond.get(second) ?? { second, done: 0, failed: 0 }
    const key = event.type === 'task.done' ? 'done' : 'failed'
    bySecond.set(second, { ...before, [key]: before[key] + 1 })
  }
  return [...bySecond.values()].toSorted((a, b) => a.second - b.second).slice(-KEPT_SECONDS)
}

/** Holds the snapshot for React's `useSyncExternalStore`. */
export class FeedStore {
  #snapshot: FeedSnapshot
  readonly #listeners = new Set<() => void>()

  constructor(now: number) {
    this.#snapshot = { state: 'connecting', events: [], seconds: [], since: now }
  }

  readonly snapshot = (): FeedSnapshot => this.#snapshot

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  setState(state: FeedState): void {
    if (state !== this.#snapshot.state) this.#set({ ...this.#snapshot, state })
  }

  add(events: readonly EventView[]): void {
    this.#set(withEvents(this.#snapshot, events))
  }

  #set(snapshot: FeedSnapshot): void {
    this.#snapshot = snapshot
    for (const listener of this.#listeners) listener()
  }
}
