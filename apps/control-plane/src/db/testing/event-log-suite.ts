import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database, EventLog, FogEvent } from '../../ports.ts'
import { MadeUp, START } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeEventLog(open: OpenDatabase): void {
  describe('as an event log', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp
    const prune = (before: number, limit: number) => database.transact((tx) => tx.events.prune(before, limit))
    const append = (...events: FogEvent[]) => database.transact((tx) => tx.events.append(events))
    const read: EventLog['read'] = (after, limit) => database.read.events.read(after, limit)
    const types = async (after: string | undefined, limit = 100) => (await read(after, limit)).map(({ type }) => type)

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('events come back whole, in the order they were appended', async () => {
      const full = some.event({
        accountId: some.id('account'),
        jobId: some.id('job'),
        taskId: some.id('task'),
        nodeId: some.id('node'),
      })
      const bare = some.event({ type: 'node.lost', at: START + 1, data: {} })
      await append(full, bare)
      await append()
      await append(some.event({ type: 'job.done' }))
      const events = await read(undefined, 10)
      expect(events).toMatchObject([full, bare, { type: 'job.done' }])
      expect(events[1]).toEqual({ ...bare, cursor: events[1]!.cursor })
    })

    test('a reader goes on from its last cursor, a page at a time, and misses nothing', async () => {
      for (let i = 0; i < 7; i += 1) await append(some.event({ type: `e.${i}` }))
      const seen: string[] = []
      let cursor: string | undefined
      for (let page = await read(cursor, 3); page.length > 0; page = await read(cursor, 3)) {
        seen.push(...page.map(({ type }) => type))
        cursor = page.at(-1)!.cursor
      }
      expect(seen).toEqual(['e.0', 'e.1', 'e.2', 'e.3', 'e.4', 'e.5', 'e.6'])
      await append(some.event({ type: 'e.7' }))
      expect(await types(cursor)).toEqual(['e.7'])
    })

    test('the head is behind all there is and before all that comes', async () => {
      await append(some.event({ type: 'before' }))
      const head = await database.read.events.head()
      expect(await types(head)).toEqual([])
      await append(some.event({ type: 'after' }))
      expect(await types(head)).toEqual(['after'])
    })

    test('the head of an empty log is before its first event', async () => {
      const head = await database.read.events.head()
      await append(some.event({ type: 'first' }))
      expect(await types(head)).toEqual(['first'])
    })

    test('a cursor that is nonsense reads from the start', async () => {
      await append(some.event({ type: 'first' }))
      expect(await types('nonsense')).toEqual(['first'])
      expect(await types('')).toEqual(['first'])
    })

    test('readers that follow many writers see every event once', async () => {
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; i < 10; i += 1) await append(some.event({ type: `w${writer}.${i}` }))
      })
      const seen: string[] = []
      let cursor: string | undefined
      let writing = true
      const done = Promise.all(writers).then(() => (writing = false))
      for (let last = false; !last;) {
        last = !writing
        const page = await read(cursor, 5)
        seen.push(...page.map(({ type }) => type))
        cursor = page.at(-1)?.cursor ?? cursor
        if (page.length > 0) last = false
      }
      await done
      expect(seen).toHaveLength(80)
      expect(new Set(seen).size).toBe(80)
      const ofOne = seen.filter((type) => type.startsWith('w3.'))
      expect(ofOne).toEqual(Array.from({ length: 10 }, (_, i) => `w3.${i}`))
    })

    test('what is old is dropped, a limited number at a time', async () => {
      for (let i = 0; i < 5; i += 1) await append(some.event({ type: `e.${i}`, at: START + i }))
      expect(await prune(START + 3, 2)).toBe(2)
      expect(await prune(START + 3, 2)).toBe(1)
      expect(await prune(START + 3, 2)).toBe(0)
      expect(await types(undefined)).toEqual(['e.3', 'e.4'])
      await append(some.event({ type: 'e.5' }))
      expect(await types(undefined)).toEqual(['e.3', 'e.4', 'e.5'])
    })
  })
}
