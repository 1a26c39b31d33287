import { type AccountId, ManualClock, newId, seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../config.ts'
import { MemoryBlobStore } from '../blobs/index.ts'
import { MemoryPlatformDatabase } from '../db/memory/memory-platform-database.ts'
import { makeLog } from '../http/log.ts'
import type { Platform } from '../platform.ts'
import type { FogEvent } from '../ports.ts'
import { type CutReason, Feed, type FeedRequest, type FeedSink } from './feed.ts'

const rng = seededRng(3)
const ADA: AccountId = newId('account', 1, rng)
const EVE: AccountId = newId('account', 1, rng)
const DAY_MS = 24 * 3_600_000

/** Keeps what it is sent. `lazy` ones take nothing in. */
class TestSink implements FeedSink {
  readonly seen: { type: string; cursor: string; data: FogEvent['data'] }[] = []
  bytes = 0
  lazy = false
  beats = 0
  cutFor: CutReason | undefined
  readonly gone = new AbortController()

  send({ text }: { readonly text: string }): void {
    this.seen.push(JSON.parse(text) as TestSink['seen'][number])
    if (this.lazy) this.bytes += text.length
  }

  waiting(): number {
    return this.bytes
  }

  beat(): void {
    this.beats += 1
  }

  cut(reason: CutReason): void {
    this.cutFor = reason
    this.gone.abort()
  }

  numbers(): unknown[] {
    return this.seen.filter(({ type }) => type === 'job.queued').map(({ data }) => data['n'])
  }
}

let clock: ManualClock
let platform: Platform
let feed: Feed
let metrics: { cut: CutReason[]; events: number }
beforeEach(() => {
  clock = new ManualClock()
  metrics = { cut: [], events: 0 }
  const config = readConfig({})
  const log = makeLog({ logLevel: 'silent' })
  const limits = { ...config.limits, maxFeedSubscribers: 5 }
  platform = {
    database: new MemoryPlatformDatabase(),
    blobs: new MemoryBlobStore(),
    clock,
    rng,
    config: { ...config, limits },
    log,
  }
  feed = new Feed(
    {
      platform,
      metrics: {
        happened: (events) => void (metrics.events += events.length),
        feedCut: (reason) => void metrics.cut.push(reason),
      },
    },
    { retentionMs: DAY_MS },
  )
  feed.start()
})
afterEach(() => feed.stop())

let numbered = 0
async function happen(count = 1, more: Partial<FogEvent> = {}): Promise<void> {
  await platform.database.transact(async (tx) => {
    const events = Array.from({ length: count }, (): FogEvent => ({
      type: 'job.queued',
      at: clock.now(),
      accountId: ADA,
      data: { n: numbered++ },
      ...more,
    }))
    await tx.events.append(events)
    tx.wake('events')
  })
}

function asAda(sink: TestSink, more: Partial<FeedRequest> = {}): FeedRequest {
  const view = { accountId: ADA, all: false, nodes: true, reach: 'direct' as const }
  const proof = { provenUntil: undefined, stillGood: async () => true }
  return { view, proof, sink, gone: sink.gone.signal, ...more }
}

/** Waits until the feed has handed everything over: it works in turns of the event loop, never in time. */
async function settled(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !isDone(); turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(isDone()).toBe(true)
}

describe('a reader', () => {
  test('is told that it is ready, then hears everything from then on, once and in order', async () => {
    await happen()
    const sink = new TestSink()
    await feed.subscribe(asAda(sink))
    expect(sink.seen.map(({ type }) => type)).toEqual(['feed.ready'])
    const first = numbered
    for (let i = 0; i < 20; i += 1) await happen()
    await settled(() => sink.numbers().length >= 20)
    expect(sink.numbers()).toEqual(Array.from({ length: 20 }, (_, i) => first + i))
  })

  test('hears its own account’s events and those for all; an admin hears everything', async () => {
    const [ada, eve, admin] = [new TestSink(), new TestSink(), new TestSink()]
    await feed.subscribe(asAda(ada))
    await feed.subscribe(asAda(eve, { view: { accountId: EVE, all: false, nodes: false, reach: 'direct' } }))
    await feed.subscribe(asAda(admin, { view: { accountId: EVE, all: true, nodes: true, reach: 'direct' } }))
    await happen(1, { type: 'job.started' })
    await happen(1, { type: 'node.connected', accountId: undefined })
    await happen(1, { type: 'fog.something', accountId: undefined })
    await settled(() => admin.seen.length === 4)
    const types = (sink: TestSink) => sink.seen.slice(1).map(({ type }) => type)
    expect(types(ada)).toEqual(['job.started', 'node.connected', 'fog.something'])
    expect(types(eve)).toEqual(['fog.something'])
    expect(types(admin)).toEqual(['job.started', 'node.connected', 'fog.something'])
  })

  test('may follow one job', async () => {
    const [mine, other] = [newId('job', 1, rng), newId('job', 1, rng)]
    const sink = new TestSink()
    await feed.subscribe(asAda(sink, { jobId: mine }))
    await happen(1, { jobId: other })
    await happen(1, { jobId: mine, type: 'job.settled' })
    await settled(() => sink.seen.length === 2)
    expect(sink.seen[1]!.type).toBe('job.settled')
  })

  test('goes on from its cursor and misses nothing, however much there is', async () => {
    const sink = new TestSink()
    await feed.subscribe(asAda(sink))
    await happen(3)
    await settled(() => sink.numbers().length === 3)
    const after = sink.seen.at(-1)!.cursor
    const first = numbered
    await happen(1700)
    const back = new TestSink()
    await feed.subscribe(asAda(back, { after }))
    expect(back.numbers()).toEqual(Array.from({ length: 1700 }, (_, i) => first + i))
    expect(back.seen.at(-1)!.type).toBe('feed.ready')
    await happen()
    await settled(() => back.numbers().length === 1701)
  })

  test('who joins in the middle of things gets each event once, whenever it comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 8 }), async (bursts) => {
        const start = new TestSink()
        await feed.subscribe(asAda(start))
        const after = start.seen[0]!.cursor
        start.gone.abort()
        const first = numbered
        const sinks = bursts.map(() => new TestSink())
        const joins: Promise<unknown>[] = []
        for (const [i, count] of bursts.slice(0, 4).entries()) {
          if (count > 0) await happen(count)
          joins.push(feed.subscribe(asAda(sinks[i]!, { after })))
          const burst = happen(7)
          await new Promise((resolve) => setImmediate(resolve))
          await burst
        }
        await Promise.all(joins)
        const all = Array.from({ length: numbered - first }, (_, i) => first + i)
        for (const sink of sinks.slice(0, joins.length)) {
          await settled(() => sink.numbers().length >= all.length)
          expect(sink.numbers()).toEqual(all)
          sink.gone.abort()
        }
      }),
      { numRuns: 25 },
    )
  })

  test('who fell too far behind, or comes with a cursor of nobody, is told so', async () => {
    const sink = new TestSink()
    await feed.subscribe(asAda(sink))
    const after = sink.seen[0]!.cursor
    clock.advance(DAY_MS + 1)
    await expect(feed.subscribe(asAda(new TestSink(), { after }))).rejects.toMatchObject({ code: 'feed.too_old' })
    for (const made of ['', 'x', '12', '~', `1~${'9'.repeat(30)}`, "1';--~5"]) {
      const joining = feed.subscribe(asAda(new TestSink(), { after: made }))
      await expect(joining).rejects.toMatchObject({ code: 'feed.cursor_invalid' })
    }
    expect(feed.size).toBe(1)
  })

  test('finds no place when all are taken, and one when somebody leaves', async () => {
    const sinks = Array.from({ length: 5 }, () => new TestSink())
    for (const sink of sinks) await feed.subscribe(asAda(sink))
    await expect(feed.subscribe(asAda(new TestSink()))).rejects.toMatchObject({ code: 'feed.full' })
    sinks[0]!.gone.abort()
    await feed.subscribe(asAda(new TestSink()))
    expect(feed.size).toBe(5)
  })

  test('who has gone is sent nothing more', async () => {
    const [gone, here] = [new TestSink(), new TestSink()]
    await feed.subscribe(asAda(gone))
    await feed.subscribe(asAda(here))
    gone.gone.abort()
    await happen()
    await settled(() => here.numbers().length === 1)
    expect(gone.numbers()).toEqual([])
  })
})

/** Longer than a right that was lost may still be used. */
async function someMinutes(): Promise<void> {
  for (let i = 0; i < 5; i += 1) {
    clock.advance(15_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a reader is cut off', () => {
  test('when it takes nothing, and the others go on', async () => {
    const [slow, quick] = [new TestSink(), new TestSink()]
    slow.lazy = true
    await feed.subscribe(asAda(slow))
    await feed.subscribe(asAda(quick))
    await happen(200, { data: { text: 'x'.repeat(10_000) } })
    await settled(() => quick.seen.length === 201)
    expect(slow.cutFor).toBe('slow')
    expect(slow.seen.length).toBeLessThan(150)
    expect(metrics.cut).toEqual(['slow'])
  })

  test('when it takes nothing while it catches up, after a while', async () => {
    const start = new TestSink()
    await feed.subscribe(asAda(start))
    await happen(1200, { data: { text: 'x'.repeat(1_500) } })
    const slow = new TestSink()
    slow.lazy = true
    const joining = feed.subscribe(asAda(slow, { after: start.seen[0]!.cursor }))
    for (let i = 0; i < 700; i += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(50)
    }
    await joining
    expect(slow.cutFor).toBe('slow')
    expect(feed.size).toBe(1)
  })

  test('when its proof ends, unless it brought a newer one', async () => {
    const [ended, renewed] = [new TestSink(), new TestSink()]
    const proof = { provenUntil: clock.now() + 60_000, stillGood: async () => true }
    await feed.subscribe(asAda(ended, { proof }))
    const subscription = await feed.subscribe(asAda(renewed, { proof }))
    subscription.renew({ ...proof, provenUntil: clock.now() + 600_000 })
    for (let i = 0; i < 5; i += 1) {
      clock.advance(15_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect([ended.cutFor, renewed.cutFor]).toEqual(['expired', undefined])
    expect(renewed.beats).toBeGreaterThan(3)
  })

  test('when it is no longer who it was', async () => {
    const sink = new TestSink()
    let isGood = true
    await feed.subscribe(asAda(sink, { proof: { provenUntil: undefined, stillGood: async () => isGood } }))
    await someMinutes()
    expect(sink.cutFor).toBeUndefined()
    isGood = false
    await someMinutes()
    expect(sink.cutFor).toBe('expired')
  })

  test('when the control plane stops', async () => {
    const sink = new TestSink()
    await feed.subscribe(asAda(sink))
    await feed.stop()
    expect(sink.cutFor).toBe('stopping')
    expect(feed.size).toBe(0)
  })
})

test('a database that fails for a moment costs time and no event', async () => {
  const sink = new TestSink()
  await feed.subscribe(asAda(sink))
  const { events } = platform.database.read
  const read = events.read.bind(events)
  events.read = () => Promise.reject(new Error('gone for a moment'))
  await happen(3)
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve))
  events.read = read
  clock.advance(60_000)
  await settled(() => sink.numbers().length === 3)
  expect(sink.cutFor).toBeUndefined()
})
