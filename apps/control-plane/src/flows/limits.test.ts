import type { JobSubmission } from '@fog/contract'
import { expect, test } from 'vitest'
import { amount } from '@fog/kernel'
import { hearWorkers } from './accept-result.ts'
import { explainJob } from './explain-job.ts'
import { quoteJob } from './quote-job.ts'
import { settleJobs } from './settle-job.ts'
import { stopOverdue } from './stop-overdue.ts'
import { submitJob } from './submit-job.ts'
import { PROGRAM, SmallFog } from './testing/small-fog.ts'

const items = (count: number) => Array.from({ length: count }, (_, i) => ({ item: String(i) }))
const submit = (fog: SmallFog, more: Partial<JobSubmission> = {}) =>
  submitJob(fog.platform, fog.submitter, fog.submission(more))
const read = (fog: SmallFog) => fog.platform.database.read
const balance = async (fog: SmallFog) => (await read(fog).ledger.findAccount(fog.submitter.accountId))!.balance
const MINUTE = 60_000

test('when the deadline passes, what is done is kept and paid, the rest is stopped and its money comes back', async () => {
  const fog = await SmallFog.open()
  const before = await balance(fog)
  const { jobId, deadlineAt } = await submit(fog, { tasks: items(6), within: '10m' })
  expect(deadlineAt).toBe(fog.clock.now() + 10 * MINUTE)
  await fog.place()
  const [sent] = await fog.dispatch()
  await hearWorkers(fog.platform, [fog.result(sent!.device, sent!.lease)])
  fog.clock.advance(10 * MINUTE - 1)
  expect((await stopOverdue(fog.platform)).count).toBe(0)
  fog.clock.advance(1)
  expect((await stopOverdue(fog.platform)).count).toBe(1)
  expect((await stopOverdue(fog.platform)).count).toBe(0)
  await settleJobs(fog.platform)
  const job = (await read(fog).jobs.findJob(jobId))!
  expect(job).toMatchObject({ status: 'failed', settled: true, counts: { done: 1, failed: 5 } })
  expect(job.failure).toContain('The deadline passed before it ended')
  expect(await balance(fog)).toBe(before - job.cost!)
  expect(await read(fog).nodes.auditReservations()).toEqual([])
  expect(await read(fog).jobs.auditJobs()).toEqual([])
})

test('a deadline stops steps that wait as well, for the same reason', async () => {
  const fog = await SmallFog.open()
  const program = { kind: 'wasm', digest: PROGRAM } as const
  const steps = [
    { name: 'a', program, tasks: items(3) },
    { name: 'b', program, tasks: items(3), after: ['a'] },
  ]
  const { jobId } = await submitJob(fog.platform, fog.submitter, { name: 'x', steps, within: '5m' })
  await fog.place()
  fog.clock.advance(5 * MINUTE)
  await stopOverdue(fog.platform)
  const tasks = await read(fog).jobs.listTasks({ jobId, limit: 10 })
  expect(tasks.map(({ failure }) => failure?.reason)).toEqual(Array.from({ length: 6 }, () => 'deadline_passed'))
  expect((await read(fog).jobs.findJob(jobId))!.status).toBe('failed')
  expect(await read(fog).jobs.auditJobs()).toEqual([])
})

test.each([
  [{ deadline: '2020-01-01T00:00Z' }, 'has passed'],
  [{ within: '30s' }, 'A task may take 1 min, and the deadline is in 30 s'],
  [{ within: '1h', deadline: '2030-01-01T00:00Z' }, 'within stands beside deadline'],
])('a deadline of %o is refused', async (more, says) => {
  const fog = await SmallFog.open()
  await expect(submit(fog, more)).rejects.toThrow(says)
})

test('the job with the nearest deadline goes first', async () => {
  const fog = await SmallFog.open({ cores: 1 })
  const late = await submit(fog, { within: '2h' })
  const soon = await submit(fog, { within: '1h' })
  await submit(fog)
  await fog.place()
  const [sent] = await fog.dispatch()
  expect(sent!.lease.jobId).toBe(soon.jobId)
  await hearWorkers(fog.platform, [fog.result(sent!.device, sent!.lease)])
  await fog.place()
  expect((await fog.dispatch())[0]!.lease.jobId).toBe(late.jobId)
})

test('an account has no more than its quota of jobs, tasks, cores and tokens a day, and is told the numbers', async () => {
  const fog = await SmallFog.open()
  const { accountId } = fog.submitter
  const set = (quota: object) => fog.platform.database.transact((tx) => tx.quotas.save(accountId, quota))
  const fault = (more: Partial<JobSubmission> = {}) => submit(fog, more).catch((thrown: unknown) => thrown)
  const { priceCap } = await submit(fog, { tasks: items(3) })

  await set({ openJobs: 1 })
  expect(await fault()).toMatchObject({ code: 'job.too_many_open', facts: { open: 1, limit: 1 } })
  await set({ openTasks: 4 })
  expect(await fault({ tasks: items(2) })).toMatchObject({
    code: 'job.too_many_tasks',
    facts: { open: 3, adds: 2, limit: 4 },
  })
  await set({ cpuMilli: 1_500 })
  expect(await fault({ resources: { cores: 2 } })).toMatchObject({ code: 'job.too_many_cores' })
  await set({ costPerDay: amount(priceCap + 1n) })
  expect(await fault()).toMatchObject({ code: 'job.day_spent' })
  const quote = await quoteJob(fog.platform, accountId, fog.submission())
  expect(quote.refusals).toMatchObject([{ code: 'job.day_spent' }])
  // What was spent a day ago no longer counts.
  fog.clock.advance(24 * 60 * MINUTE + 1)
  await set({ costPerDay: amount(priceCap), openTasks: 100 })
  await submit(fog)
})

test('an account uses no more cores at a time than its quota, others go on, and it is told why it waits', async () => {
  const fog = await SmallFog.open({ devices: 1, cores: 8 })
  await fog.platform.database.transact((tx) => tx.quotas.save(fog.submitter.accountId, { cpuMilli: 2_500 }))
  const { jobId } = await submit(fog, { tasks: items(6) })
  expect((await fog.place()).placed).toHaveLength(2)
  expect((await fog.place()).placed).toHaveLength(0)
  const job = (await read(fog).jobs.findJob(jobId))!
  const [why] = await explainJob(fog.platform, job)
  expect(why).toMatchObject({ code: 'quota', text: 'Your account uses 2 of the 2.5 cores it may use at a time.' })
  const [sent] = await fog.dispatch()
  await hearWorkers(fog.platform, [fog.result(sent!.device, sent!.lease)])
  expect((await fog.place()).placed).toHaveLength(1)
})

test('of many submissions at once only as many are taken as the quota allows', async () => {
  const fog = await SmallFog.open()
  await fog.platform.database.transact((tx) => tx.quotas.save(fog.submitter.accountId, { openJobs: 3 }))
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => submit(fog)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
})

test('a program that fails is tried again elsewhere where the job asks for it, and fails as itself in the end', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const { jobId } = await submit(fog, { retryOn: ['exit_nonzero'], retries: 2 })
  const devices: unknown[] = []
  for (let i = 0; i < 3; i += 1) {
    await fog.place()
    const [sent] = await fog.dispatch()
    devices.push(sent!.device)
    await hearWorkers(fog.platform, [fog.failure(sent!.device, sent!.lease)])
    fog.clock.advance(MINUTE)
  }
  expect(new Set(devices).size).toBe(3)
  const [task] = await read(fog).jobs.listTasks({ jobId, limit: 1 })
  expect(task).toMatchObject({ status: 'failed', attempts: 3, failure: { reason: 'exit_nonzero' } })
})
