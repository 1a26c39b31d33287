import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useState, useSyncExternalStore } from 'react'
import type { EventView, MeView } from '@fog/contract'
import { socketUrl } from '../session/session.ts'
import { useSession } from '../session/session-context.tsx'
import { FeedConnection } from './feed-connection.ts'
import { type FeedSnapshot, FeedStore } from './feed-store.ts'
import { Pace } from './pace.ts'
import { patchTasks } from './patch-tasks.ts'
import { FLUSH_MS, updatesOf } from './updates.ts'

type Listener = (events: readonly EventView[]) => void

interface Feed {
  readonly store: FeedStore
  readonly listeners: Set<Listener>
}

const Context = createContext<Feed | undefined>(undefined)

/** Keeps every query of the page up to date by the event feed while somebody is logged in. */
export function FeedProvider({ children }: { children: ReactNode }) {
  const session = useSession()
  const queries = useQueryClient()
  const [feed] = useState<Feed>(() => ({ store: new FeedStore(Date.now()), listeners: new Set() }))
  useEffect(() => {
    const screen = new Screen(queries, feed)
    const connection = new FeedConnection({
      url: socketUrl(window.location),
      token: async () => session.token(),
      renew: async () => session.renew(),
      onEvent: (event) => screen.receive(event),
      onGap: () => screen.readAll(),
      onState: (state) => feed.store.setState(state),
    })
    const hurry = () => document.visibilityState === 'visible' && connection.hurry()
    connection.start()
    window.addEventListener('online', hurry)
    document.addEventListener('visibilitychange', hurry)
    return () => {
      window.removeEventListener('online', hurry)
      document.removeEventListener('visibilitychange', hurry)
      connection.stop()
      screen.stop()
    }
  }, [session, queries, feed])
  return <Context value={feed}>{children}</Context>
}

/** What this tab has heard so far. */
export function useFeed(): FeedSnapshot {
  const { store } = useFeedContext()
  return useSyncExternalStore(store.subscribe, store.snapshot)
}

/** Hands every batch of events to `listener`, at most four times a second. */
export function useFeedListener(listener: Listener): void {
  const { listeners } = useFeedContext()
  useEffect(() => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [listeners, listener])
}

function useFeedContext(): Feed {
  const feed = use(Context)
  if (!feed) throw new Error('the feed is used outside of FeedProvider')
  return feed
}

/** Gathers events and brings them to the screen in calm steps. */
class Screen {
  readonly #queries: QueryClient
  readonly #feed: Feed
  readonly #pace = new Pace()
  #gathered: EventView[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #flushedAt = 0

  constructor(queries: QueryClient, feed: Feed) {
    this.#queries = queries
    this.#feed = feed
  }

  receive(event: EventView): void {
    this.#gathered.push(event)
    this.#flushAt(this.#flushedAt + FLUSH_MS)
  }

  readAll(): void {
    this.#pace.clear()
    void this.#queries.invalidateQueries()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #flushAt(at: number): void {
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, at - Date.now()))
  }

  #flush(): void {
    this.#timer = undefined
    this.#flushedAt = Date.now()
    this.#show(this.#gathered.splice(0))
    for (const { key } of this.#pace.takeDue(this.#flushedAt)) void this.#queries.invalidateQueries({ queryKey: key })
    const next = this.#pace.nextAt()
    if (next !== undefined) this.#flushAt(Math.max(next, this.#flushedAt + FLUSH_MS))
  }

  #show(events: readonly EventView[]): void {
    if (events.length === 0) return
    const { refreshes, tasks, balance } = updatesOf(events)
    this.#pace.add(refreshes)
    patchTasks(this.#queries, tasks)
    if (balance) this.#queries.setQueryData<MeView>(['me'], (me) => me && { ...me, ...balance })
    this.#feed.store.add(events)
    for (const listener of this.#feed.listeners) listener(events)
  }
}
