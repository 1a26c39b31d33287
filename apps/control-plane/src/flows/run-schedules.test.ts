import { expect, test } from 'vitest'
import { amount, newId } from '@fog/kernel'
import type { Schedule } from '../schedule-store.ts'
import { addSchedule, type NewSchedule, setScheduleStatus } from '../schedules/schedules.ts'
import { cancelJob } from './cancel-job.ts'
import { MISSED_AFTER_MS, runNow, runSchedules } from './run-schedules.ts'
import { settleJobs } from './settle-job.ts'
import { SmallFog } from './testing/small-fog.ts'

const HOUR = 3_600_000
const hourly = (fog: SmallFog, more: Partial<NewSchedule> = {}) =>
  addSchedule(fog.platform, fog.submitter, { cron: '0 * * * *', job: fog.submission(), ...more })
const read = (fog: SmallFog) => fog.platform.database.read
const runsOf = (fog: SmallFog, { scheduleId }: Schedule) => read(fog).schedules.listRuns(scheduleId, 100)
const jobsOf = (fog: SmallFog) => read(fog).jobs.listJobs({ accountId: fog.submitter.accountId, limit: 100 })
const nextHour = (fog: SmallFog) => HOUR - (fog.clock.now() % HOUR)

async function endAll(fog: SmallFog): Promise<void> {
  for (const { jobId, status } of await jobsOf(fog)) if (status === 'queued') await cancelJob(fog.platform, jobId)
  await settleJobs(fog.platform)
}

test('a schedule submits its job when it is due, once, and then waits for the next instant', async () => {
  const fog = await SmallFog.open()
  const schedule = await hourly(fog)
  await runSchedules(fog.platform)
  expect(await jobsOf(fog)).toEqual([])
  fog.clock.advance(nextHour(fog))
  await Promise.all([runSchedules(fog.platform), runSchedules(fog.platform)])
  await runSchedules(fog.platform)
  const [job, ...more] = await jobsOf(fog)
  expect(more).toEqual([])
  expect(await runsOf(fog, schedule)).toMatchObject([
    { dueAt: schedule.nextAt, outcome: 'submitted', jobId: job!.jobId },
  ])
  expect((await read(fog).schedules.find(schedule.scheduleId))!.nextAt).toBe(schedule.nextAt! + HOUR)
})

test('a crash before the commit costs nothing: the instant has its job at the next look', async () => {
  const fog = await SmallFog.open()
  const schedule = await hourly(fog)
  fog.clock.advance(nextHour(fog))
  const { database } = fog.platform
  const dying = {
    ...fog.platform,
    database: {
      read: database.read,
      transact: (work: Parameters<typeof database.transact>[0]) =>
        database.transact(async (tx) => {
          await work(tx)
          throw new Error('killed')
        }),
    },
  } as unknown as typeof fog.platform
  await expect(runSchedules(dying)).rejects.toThrow('killed')
  expect([await jobsOf(fog), await runsOf(fog, schedule)]).toEqual([[], []])
  await runSchedules(fog.platform)
  expect(await jobsOf(fog)).toHaveLength(1)
})

test('while the job before runs, the next one is left out, or not, as the schedule says', async () => {
  const fog = await SmallFog.open()
  const [careful, eager] = [await hourly(fog), await hourly(fog, { overlap: 'allow' })]
  for (let i = 0; i < 2; i += 1) {
    fog.clock.advance(nextHour(fog))
    await runSchedules(fog.platform)
  }
  const [jobId] = (await runsOf(fog, careful)).flatMap((run) => run.jobId ?? [])
  expect(await runsOf(fog, careful)).toMatchObject([
    { outcome: 'overlapped', reason: `The job before, ${jobId}, is not over.` },
    { outcome: 'submitted' },
  ])
  expect((await runsOf(fog, eager)).map(({ outcome }) => outcome)).toEqual(['submitted', 'submitted'])
  await endAll(fog)
  fog.clock.advance(nextHour(fog))
  await runSchedules(fog.platform)
  expect((await runsOf(fog, careful))[0]!.outcome).toBe('submitted')
})

test('instants that passed while nobody was there are left out, or made up for by one job', async () => {
  const fog = await SmallFog.open()
  const [skips, one] = [await hourly(fog), await hourly(fog, { catchUp: 'one' })]
  const first = fog.clock.now() + nextHour(fog)
  fog.clock.advance(nextHour(fog) + 5 * HOUR + MISSED_AFTER_MS + 1)
  await runSchedules(fog.platform)
  expect(await runsOf(fog, skips)).toMatchObject([{ dueAt: first + 5 * HOUR, outcome: 'missed' }])
  expect(await runsOf(fog, one)).toMatchObject([
    { dueAt: first + 5 * HOUR, outcome: 'submitted' },
    { dueAt: first + 4 * HOUR, outcome: 'missed' },
  ])
  expect(await jobsOf(fog)).toHaveLength(1)
  fog.clock.advance(nextHour(fog))
  await runSchedules(fog.platform)
  expect((await runsOf(fog, skips))[0]).toMatchObject({ dueAt: first + 6 * HOUR, outcome: 'submitted' })
})

test('a job that cannot be paid for is noted with its reason, and the schedule goes on', async () => {
  const fog = await SmallFog.open()
  const schedule = await hourly(fog)
  const { accountId } = fog.submitter
  const balance = (await read(fog).ledger.findAccount(accountId))!.balance
  const { Ledger } = await import('@fog/tokenomics')
  const holdId = newId('hold', fog.clock.now(), fog.rng)
  await fog.platform.database.transact((tx) =>
    new Ledger({ store: tx.ledger, clock: fog.clock }).hold({ holdId, accountId, amount: balance, reference: 'all' }),
  )
  fog.clock.advance(nextHour(fog))
  await runSchedules(fog.platform)
  const [run] = await runsOf(fog, schedule)
  expect(run).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('your account has 0 available') })
  await fog.platform.database.transact((tx) => new Ledger({ store: tx.ledger, clock: fog.clock }).release(holdId))
  fog.clock.advance(nextHour(fog))
  await runSchedules(fog.platform)
  expect((await runsOf(fog, schedule))[0]!.outcome).toBe('submitted')
})

test('a paused schedule submits nothing, and nothing of that time is made up for', async () => {
  const fog = await SmallFog.open()
  const { scheduleId } = await hourly(fog, { catchUp: 'one' })
  await setScheduleStatus(fog.platform, scheduleId, 'paused')
  fog.clock.advance(10 * HOUR)
  await runSchedules(fog.platform)
  const resumed = await setScheduleStatus(fog.platform, scheduleId, 'active')
  expect(resumed.nextAt).toBe(fog.clock.now() + nextHour(fog))
  await runSchedules(fog.platform)
  expect(await jobsOf(fog)).toEqual([])
})

test('a schedule can be run at once, which leaves its times alone', async () => {
  const fog = await SmallFog.open()
  const schedule = await hourly(fog)
  const jobId = await runNow(fog.platform, schedule)
  expect(await runsOf(fog, schedule)).toMatchObject([{ jobId, outcome: 'submitted' }])
  expect((await read(fog).schedules.find(schedule.scheduleId))!.nextAt).toBe(schedule.nextAt)
})

test('what could never be submitted is refused at once', async () => {
  const fog = await SmallFog.open()
  await expect(hourly(fog, { cron: '0 0 31 2 *' })).rejects.toMatchObject({ code: 'schedule.never_due' })
  await expect(hourly(fog, { timezone: 'Moon' })).rejects.toMatchObject({ code: 'schedule.timezone_unknown' })
  const job = fog.submission({ deadline: '2030-01-01T00:00Z' })
  await expect(hourly(fog, { job })).rejects.toMatchObject({ code: 'schedule.fixed_deadline' })
  await expect(hourly(fog, { job: fog.submission({ resources: { cores: 99 } }) })).rejects.toThrow('99 cores')
  expect(amount(0n)).toBe(0n)
})
