import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EventView } from '@fog/contract'
import { FeedConnection, type FeedState } from './feed-connection.ts'

/** The browser's side of a socket whose other end is played by the test. */
class PlayedSocket extends EventTarget {
  static readonly opened: PlayedSocket[] = []
  readyState = 0
  readonly said: unknown[] = []

  constructor() {
    super()
    PlayedSocket.opened.push(this)
  }

  send(text: string): void {
    this.said.push(JSON.parse(text))
  }

  close(): void {
    this.readyState = 3
  }

  open(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  tell(message: object): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }))
  }

  break(code: number): void {
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code }))
  }
}

const event = (cursor: string): EventView => ({ cursor, type: 'job.queued', at: '2026-01-01T00:00:00Z', data: {} })
const ready = (cursor: string) => ({ ...event(cursor), type: 'feed.ready' })

function connected() {
  const seen = { events: [] as string[], gaps: 0, states: [] as FeedState[], renewals: 0, token: 'first' }
  const connection = new FeedConnection({
    url: 'ws://here',
    token: async () => seen.token,
    renew: async () => void (seen.renewals += 1),
    onEvent: ({ cursor }) => seen.events.push(cursor),
    onGap: () => void (seen.gaps += 1),
    onState: (state) => seen.states.push(state),
    WebSocket: PlayedSocket as unknown as typeof WebSocket,
  })
  connection.start()
  return { connection, seen }
}

const latest = () => PlayedSocket.opened.at(-1)!

beforeEach(() => {
  vi.useFakeTimers()
  PlayedSocket.opened.length = 0
})
afterEach(() => vi.useRealTimers())

async function opened() {
  const all = connected()
  await vi.advanceTimersByTimeAsync(0)
  latest().open()
  latest().tell(ready('c1'))
  return all
}

test('says who reads, and is live once the server says so', async () => {
  const { connection, seen } = await opened()
  expect(latest().said).toEqual([{ type: 'auth', token: 'first' }])
  expect(seen.states).toEqual(['connecting', 'live'])
  expect(seen.gaps).toBe(1)
  connection.stop()
})

test('goes on after the last event it saw when the line breaks, without reading everything anew', async () => {
  const { connection, seen } = await opened()
  latest().tell(event('c2'))
  latest().break(1006)
  await vi.advanceTimersByTimeAsync(1000)
  latest().open()
  latest().tell(event('c3'))
  latest().tell(ready('c3'))
  expect(latest().said).toEqual([{ type: 'auth', token: 'first', after: 'c2' }])
  expect(seen.events).toEqual(['c2', 'c3'])
  expect(seen.states).toEqual(['connecting', 'live', 'reconnecting', 'live'])
  expect(seen.gaps).toBe(1)
  connection.stop()
})

test('a cursor that is too old makes it start from now and tell of the gap', async () => {
  const { connection, seen } = await opened()
  latest().break(1006)
  await vi.advanceTimersByTimeAsync(1000)
  latest().open()
  latest().break(4410)
  await vi.advanceTimersByTimeAsync(2000)
  latest().open()
  latest().tell(ready('c9'))
  expect(latest().said).toEqual([{ type: 'auth', token: 'first' }])
  expect(seen.gaps).toBe(2)
  connection.stop()
})

test('waits longer from try to try, and hurries when told', async () => {
  const { connection } = await opened()
  latest().break(1006)
  for (let tries = 0; tries < 8; tries++) {
    await vi.advanceTimersByTimeAsync(15_000)
    latest().break(1006)
  }
  const before = PlayedSocket.opened.length
  await vi.advanceTimersByTimeAsync(5000)
  expect(PlayedSocket.opened.length).toBe(before)
  connection.hurry()
  await vi.advanceTimersByTimeAsync(0)
  expect(PlayedSocket.opened.length).toBe(before + 1)
  connection.stop()
})

test('shows a renewed token to the server before the old one ends', async () => {
  const { connection, seen } = await opened()
  seen.token = 'second'
  await vi.advanceTimersByTimeAsync(20_000)
  expect(latest().said.at(-1)).toMatchObject({ token: 'second' })
  connection.stop()
})

test('asks for a new token when the server no longer takes the old one', async () => {
  const { connection, seen } = await opened()
  latest().break(4401)
  expect(seen.renewals).toBe(1)
  connection.stop()
})

test('what it does not understand changes nothing', async () => {
  const { connection, seen } = await opened()
  latest().tell({ type: 'feed.cut', data: { reason: 'stopping' } })
  latest().dispatchEvent(new MessageEvent('message', { data: 'not json' }))
  expect(seen.events).toEqual([])
  connection.stop()
})

test('once stopped it neither hears nor tries', async () => {
  const { connection, seen } = await opened()
  const socket = latest()
  connection.stop()
  socket.tell(event('c2'))
  socket.break(1006)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(PlayedSocket.opened.length).toBe(1)
  expect(seen.events).toEqual([])
})
