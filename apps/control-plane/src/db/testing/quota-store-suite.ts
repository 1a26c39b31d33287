import { amount } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeQuotaStore(open: OpenDatabase): void {
  describe('as a store of quotas', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('an account without a quota has that of the settings', async () => {
      expect(await database.read.quotas.find(some.id('account'))).toEqual({})
      expect(await database.transact((tx) => tx.quotas.lock(some.id('account')))).toEqual({})
    })

    test('what was saved comes back, and can be taken away again', async () => {
      const [accountId, other] = [some.id('account'), some.id('account')]
      const quota = { openJobs: 0, openTasks: 5, cpuMilli: 1_500, costPerDay: amount(2n ** 60n) }
      await database.transact((tx) => tx.quotas.save(accountId, quota))
      expect(await database.read.quotas.find(accountId)).toEqual(quota)
      expect(await database.transact((tx) => tx.quotas.lock(accountId))).toEqual(quota)
      expect(await database.read.quotas.listCpu([accountId, other])).toEqual(new Map([[accountId, 1_500]]))
      await database.transact((tx) => tx.quotas.save(accountId, { openTasks: 7 }))
      expect(await database.read.quotas.find(accountId)).toEqual({ openTasks: 7 })
      expect(await database.read.quotas.listCpu([accountId])).toEqual(new Map())
      expect(await database.read.quotas.find(other)).toEqual({})
    })

    test('two transactions that lock an account take turns', async () => {
      const accountId = some.id('account')
      await database.transact((tx) => tx.quotas.save(accountId, { openJobs: 0 }))
      const countUp = () =>
        database.transact(async (tx) => {
          await tx.quotas.lock(accountId)
          const { openJobs = 0 } = await tx.quotas.find(accountId)
          await tx.quotas.save(accountId, { openJobs: openJobs + 1 })
        })
      await Promise.all(Array.from({ length: 8 }, countUp))
      expect(await database.read.quotas.find(accountId)).toEqual({ openJobs: 8 })
    })
  })
}
