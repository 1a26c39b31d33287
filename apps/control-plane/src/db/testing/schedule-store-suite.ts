import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ports.ts'
import type { Schedule, ScheduleRun } from '../../schedule-store.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeScheduleStore(open: OpenDatabase): void {
  describe('as a store of schedules', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    const schedule = (part: Partial<Schedule> = {}): Schedule => ({
      scheduleId: some.id('schedule'),
      accountId: some.id('account'),
      createdBy: some.id('user'),
      name: 'nightly, größer',
      cron: '0 3 * * *',
      timezone: 'Europe/Berlin',
      catchUp: 'one',
      overlap: 'skip',
      submission: { name: 'x', program: { kind: 'wasm', digest: 'ab'.repeat(32) }, tasks: [{ item: 'ü' }] },
      status: 'active',
      nextAt: 1_000,
      createdAt: 10,
      ...part,
    })
    const add = (...all: Schedule[]) =>
      database.transact(async (tx) => {
        for (const each of all) await tx.schedules.add(each)
      })
    const run = (scheduleId: Schedule['scheduleId'], dueAt: number, part: Partial<ScheduleRun> = {}): ScheduleRun => ({
      scheduleId,
      dueAt,
      at: dueAt + 5,
      outcome: 'missed',
      ...part,
    })

    test('a schedule comes back as it went in, and is changed in its status and its next instant only', async () => {
      const one = schedule()
      await add(one)
      const { schedules } = database.read
      expect(await schedules.find(one.scheduleId)).toEqual(one)
      expect(await database.transact((tx) => tx.schedules.findForUpdate(one.scheduleId))).toEqual(one)
      const paused = { ...one, status: 'paused', nextAt: undefined } as const
      await database.transact((tx) => tx.schedules.save({ ...paused, name: 'other' }))
      expect(await schedules.find(one.scheduleId)).toEqual(paused)
      expect(await schedules.find(some.id('schedule'))).toBeUndefined()
      await expect(add(one)).rejects.toThrow(Error)
      await expect(database.transact((tx) => tx.schedules.save(schedule()))).rejects.toThrow('never added')
    })

    test('are listed newest first, by account and page, and counted', async () => {
      const accountId = some.id('account')
      const all = [schedule({ accountId }), schedule(), schedule({ accountId }), schedule({ accountId })]
      await add(...all)
      const { schedules } = database.read
      const places = (found: Schedule[]) =>
        found.map((one) => all.findIndex((each) => each.scheduleId === one.scheduleId))
      expect(places(await schedules.list({ limit: 10 }))).toEqual([3, 2, 1, 0])
      expect(places(await schedules.list({ accountId, limit: 2 }))).toEqual([3, 2])
      expect(places(await schedules.list({ accountId, before: all[2]!.scheduleId, limit: 2 }))).toEqual([0])
      expect(await schedules.countOf(accountId)).toBe(3)
      expect(await schedules.countOf(some.id('account'))).toBe(0)
    })

    test('those that are active and due are listed, the longest due first', async () => {
      const late = schedule({ nextAt: 900 })
      const all = [
        schedule({ nextAt: 1_000 }),
        late,
        schedule({ nextAt: 1_001 }),
        schedule({ status: 'paused', nextAt: 5 }),
        schedule({ nextAt: undefined }),
      ]
      await add(...all)
      const due = async (limit: number) =>
        (await database.read.schedules.listDue(1_000, limit)).map((one) => one.nextAt)
      expect(await due(10)).toEqual([900, 1_000])
      expect(await due(1)).toEqual([900])
    })

    test('an instant has one run, whoever comes first', async () => {
      const { scheduleId } = schedule()
      await add(schedule({ scheduleId }))
      const jobs = Array.from({ length: 6 }, () => some.id('job'))
      const added = await Promise.all(
        jobs.map((jobId) =>
          database.transact((tx) => tx.schedules.addRun(run(scheduleId, 1_000, { outcome: 'submitted', jobId }))),
        ),
      )
      expect(added.filter(Boolean)).toHaveLength(1)
      const [only, ...more] = await database.read.schedules.listRuns(scheduleId, 10)
      expect(more).toEqual([])
      expect(only).toEqual(run(scheduleId, 1_000, { outcome: 'submitted', jobId: jobs[added.indexOf(true)] }))
      expect(await database.read.schedules.lastJob(scheduleId)).toBe(only!.jobId)
    })

    test('runs are listed latest first, and go with their schedule', async () => {
      const { scheduleId } = schedule()
      await add(schedule({ scheduleId }))
      const jobId = some.id('job')
      await database.transact(async (tx) => {
        await tx.schedules.addRun(run(scheduleId, 1, { outcome: 'submitted', jobId }))
        await tx.schedules.addRun(run(scheduleId, 3, { outcome: 'refused', reason: 'no tokens' }))
        await tx.schedules.addRun(run(scheduleId, 2, { outcome: 'overlapped' }))
      })
      const { schedules } = database.read
      expect((await schedules.listRuns(scheduleId, 2)).map(({ dueAt }) => dueAt)).toEqual([3, 2])
      expect((await schedules.listRuns(scheduleId, 1))[0]!.reason).toBe('no tokens')
      expect(await schedules.lastJob(scheduleId)).toBe(jobId)
      await database.transact((tx) => tx.schedules.remove(scheduleId))
      expect(await schedules.find(scheduleId)).toBeUndefined()
      expect(await schedules.listRuns(scheduleId, 10)).toEqual([])
      await database.transact((tx) => tx.schedules.remove(scheduleId))
    })
  })
}
