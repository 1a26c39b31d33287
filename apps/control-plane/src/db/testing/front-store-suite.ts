import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeptFront } from '../../front-store.ts'
import type { Database } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeFrontStore(open: OpenDatabase): void {
  describe('as a store of fronts', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('a front comes back as it was, newest first, in pages', async () => {
      const { fronts } = database.read
      const all = [10, 20, 30].map((at) => madeFront(some, at))
      for (const front of all) await fronts.add(front, 10)
      expect(await fronts.list({ limit: 3 })).toEqual(all.toReversed())
      expect(await fronts.list({ limit: 1 })).toEqual([all[2]])
      expect(await fronts.list({ before: 30, limit: 1 })).toEqual([all[1]])
    })

    test('only the newest are kept, and of one moment the last', async () => {
      const { fronts } = database.read
      for (let at = 101; at <= 105; at++) await fronts.add(madeFront(some, at), 3)
      const later = { ...madeFront(some, 105), why: 'another' }
      await fronts.add(later, 3)
      const kept = await fronts.list({ limit: 10 })
      expect(kept.map(({ plannedAt }) => plannedAt)).toEqual([105, 104, 103])
      expect(kept[0]).toEqual(later)
    })
  })
}

function madeFront(some: MadeUp, plannedAt: number): KeptFront {
  const breaches = { platinum: 0, gold: 1, silver: 0, bronze: 2 }
  return {
    plannedAt,
    queued: 3,
    movable: 1,
    nodes: 2,
    horizonMs: 60_000,
    objectives: [{ name: 'lateness', unit: 'weighted s' }],
    points: [
      { values: [0.25], waiting: 1, moves: 1, breaches },
      { values: [1e-9], waiting: 0, moves: 0, breaches },
    ],
    chosen: 1,
    why: 'it breaks no promise',
    method: 'memetic NSGA-II',
    seed: 7,
    looks: 1234,
    spentMs: 12.5,
    assumed: { idleWatts: 2 },
    placed: 2,
    moved: [{ taskId: some.id('task'), from: some.id('node'), to: some.id('node') }],
  }
}
