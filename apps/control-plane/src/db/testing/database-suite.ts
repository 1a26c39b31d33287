import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database, WakeTopic } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeDatabase(open: OpenDatabase): void {
  describe('as a database', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('a transaction answers what its work answers', async () => {
      expect(await database.transact(async () => 7)).toBe(7)
      await database.ping()
    })

    test('a transaction that fails leaves nothing behind, in any store', async () => {
      const user = some.user()
      const work = database.transact(async (tx) => {
        await tx.access.addUser(user)
        await tx.access.keep('key', 'value')
        await tx.blobs.addSmall([{ digest: 'aa', content: new Uint8Array([1]), at: 1 }])
        await tx.events.append([some.event()])
        await tx.gateways.beat(some.id('gateway'), 1)
        throw new Error('the flow gave up')
      })
      await expect(work).rejects.toThrow('the flow gave up')
      expect(await database.read.access.countUsers()).toBe(0)
      expect(await database.read.access.kept('key')).toBeUndefined()
      expect(await database.read.blobs.sizes(['aa'])).toEqual(new Map())
      expect(await database.read.events.read(undefined, 10)).toEqual([])
      expect(await database.read.gateways.listSilent(100)).toEqual([])
    })

    test('what a transaction did is there for whoever reads afterwards', async () => {
      const user = some.user()
      await database.transact((tx) => tx.access.addUser(user))
      expect(await database.read.access.findUser(user.userId)).toEqual(user)
    })

    test('wakes those who wait for a topic, after the commit, once however often it was asked', async () => {
      const seen: [WakeTopic, number][] = []
      const woken = new Promise<void>((resolve) => {
        database.onWake('place', () => {
          void database.read.access.countUsers().then((users) => seen.push(['place', users]) && resolve())
        })
      })
      database.onWake('settle', () => void seen.push(['settle', 0]))
      await database.transact(async (tx) => {
        tx.wake('place')
        await tx.access.addUser(some.user())
        tx.wake('place')
      })
      await woken
      expect(seen).toEqual([['place', 1]])
    })

    test('wakes nobody when the transaction fails, nor one who stopped listening', async () => {
      let wakes = 0
      const stop = database.onWake('place', () => (wakes += 1))
      const failing = database.transact(async (tx) => {
        tx.wake('place')
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      stop()
      await database.transact(async (tx) => tx.wake('place'))
      await Promise.resolve()
      expect(wakes).toBe(0)
    })
  })
}
