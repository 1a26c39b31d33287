import { expect, test } from 'vitest'
import { amount, formatTokens, type JobId, newId } from '@fog/kernel'
import { promisesOf } from '@fog/scheduler'
import { Ledger, TREASURY } from '@fog/tokenomics'
import { hearWorkers } from './accept-result.ts'
import { expireLeases } from './expire-leases.ts'
import { payOwedCredits } from './pay-credits.ts'
import { receiptOf } from './receipt.ts'
import { settleJobs } from './settle-job.ts'
import { quoteJob } from './quote-job.ts'
import { submitJob } from './submit-job.ts'
import { SmallFog } from './testing/small-fog.ts'

const read = (fog: SmallFog) => fog.platform.database.read
const balanceOf = async (fog: SmallFog, accountId = fog.submitter.accountId) =>
  (await read(fog).ledger.findAccount(accountId))!.balance
const soundBooks = async (fog: SmallFog) =>
  expect((await new Ledger({ store: read(fog).ledger, clock: fog.clock }).audit()).broken).toEqual([])

async function measuredFog(options = {}): Promise<SmallFog> {
  const fog = await SmallFog.open(options)
  await measure(fog, 3)
  return fog
}

async function measure(fog: SmallFog, latencyMs: number) {
  await fog.platform.database.transact((tx) =>
    tx.nodes.touch(fog.devices.map(({ nodeId }) => ({ nodeId, at: fog.clock.now(), latencyMs }))),
  )
}

async function runAll(fog: SmallFog) {
  await fog.place()
  for (const { device, lease } of await fog.dispatch()) await hearWorkers(fog.platform, [fog.result(device, lease)])
}

/** As if the treasury had taken fees before. */
async function fillTreasury(fog: SmallFog, units: bigint) {
  const { database, clock, rng } = fog.platform
  await database.transact(async (tx) => {
    const ledger = new Ledger({ store: tx.ledger, clock })
    const order = { transferId: newId('transfer', clock.now(), rng), reference: 'fees before' }
    await ledger.transfer({ ...order, from: fog.submitter.accountId, to: TREASURY, amount: amount(units) })
  })
}

const jobOf = async (fog: SmallFog, jobId: JobId) => (await read(fog).jobs.findJob(jobId))!

test('a gold task that begins too late gives a quarter of its price back, once, out of the treasury', async () => {
  const fog = await measuredFog()
  await fillTreasury(fog, 1_000_000n)
  const before = await balanceOf(fog)
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ tier: 'gold' }))
  fog.clock.advance(60_001)
  await runAll(fog)
  await settleJobs(fog.platform)
  await settleJobs(fog.platform)
  expect((await payOwedCredits(fog.platform)).count).toBe(0)

  const job = await jobOf(fog, jobId)
  expect(job.credit).toBe(job.cost! / 4n)
  expect(job.creditPaid).toBe(job.credit)
  expect(await balanceOf(fog)).toBe(before - job.cost! + job.credit!)
  const receipt = await receiptOf(fog.platform, job)
  expect(receipt.credit).toEqual({
    due: formatTokens(job.credit!),
    paid: formatTokens(job.credit!),
    owed: '0',
    percent: 25,
    tasks: 1,
    broken: ['queue_wait'],
  })
  // Whoever did the work is paid as ever.
  expect(receipt.lines).toMatchObject([{ paid: formatTokens((job.cost! * 95n) / 100n) }])
  const events = await read(fog).events.read(undefined, 1000)
  expect(events.filter(({ type }) => type === 'job.credited')).toMatchObject([{ jobId, data: { owed: '0' } }])
  expect(events.filter(({ type }) => type === 'task.promise_broken')).toHaveLength(1)
  await soundBooks(fog)
})

test('what the treasury lacks is owed, and paid when it has money', async () => {
  const fog = await measuredFog()
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ tier: 'gold' }))
  fog.clock.advance(60_001)
  await runAll(fog)
  await settleJobs(fog.platform)
  const job = await jobOf(fog, jobId)
  // All it had was the fee of this very job.
  expect(job.creditPaid).toBe(job.cost! / 20n)
  expect(await balanceOf(fog, TREASURY)).toBe(0n)
  expect((await payOwedCredits(fog.platform)).count).toBe(0)
  await fillTreasury(fog, 1_000_000n)
  expect((await payOwedCredits(fog.platform)).count).toBe(1)
  expect((await payOwedCredits(fog.platform)).count).toBe(0)
  expect((await jobOf(fog, jobId)).creditPaid).toBe(job.credit)
  expect((await receiptOf(fog.platform, await jobOf(fog, jobId))).credit).toMatchObject({ owed: '0' })
  await soundBooks(fog)
})

test('a settlement that dies before its commit pays and credits nothing', async () => {
  const fog = await measuredFog()
  await fillTreasury(fog, 1_000_000n)
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ tier: 'gold' }))
  fog.clock.advance(60_001)
  await runAll(fog)
  const before = await balanceOf(fog)
  const { database } = fog.platform
  const transact: typeof database.transact = (work) =>
    database.transact(async (tx) => {
      await work(tx)
      throw new Error('killed before the commit')
    })
  const dying = { ...fog.platform, database: Object.assign(Object.create(database) as typeof database, { transact }) }
  await expect(settleJobs(dying)).rejects.toThrow('killed')
  expect(await balanceOf(fog)).toBe(before)
  await settleJobs(fog.platform)
  expect((await jobOf(fog, jobId)).creditPaid).toBeGreaterThan(0n)
  await soundBooks(fog)
})

test('a platinum task whose node dies runs again within ten seconds, and is credited where it does not', async () => {
  for (const [late, credited] of [
    [0, false],
    [6_000, true],
  ] as const) {
    const fog = await measuredFog({ devices: 3 })
    const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ tier: 'platinum' }))
    await fog.place()
    const [first] = await fog.dispatch()
    const { attemptId, fence } = fog.result(first!.device, first!.lease)
    const { nodeId } = first!.device
    await hearWorkers(fog.platform, [{ type: 'started', nodeId, attemptId, fence }])
    const diedAt = fog.clock.now()
    // Five seconds after it was heard of last its lease is over; it backs off for half a second at most.
    fog.clock.advance(5_001)
    expect((await expireLeases(fog.platform)).count).toBe(1)
    fog.clock.advance(500 + late)
    await fog.place()
    const [again] = await fog.dispatch()
    expect(again!.device).not.toBe(first!.device)
    const next = fog.result(again!.device, again!.lease)
    await hearWorkers(fog.platform, [
      { type: 'started', nodeId: again!.device.nodeId, attemptId: next.attemptId, fence: next.fence },
    ])
    const [restart] = await read(fog).jobs.tiers.listIncidents(jobId)
    expect(restart).toMatchObject({ kind: 'restart', broken: credited, bound: 10_000 })
    expect(restart!.measured).toBe(fog.clock.now() - diedAt)
    await hearWorkers(fog.platform, [next])
    await settleJobs(fog.platform)
    const { cost, credit } = await jobOf(fog, jobId)
    expect(credit).toBe(credited ? cost! / 2n : undefined)
    await soundBooks(fog)
  }
})

test('a result that took longer than its processor time allows breaks the run stretch, unless the program may sleep', async () => {
  const fog = await measuredFog()
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ tier: 'gold' }))
  const { spec } = await jobOf(fog, jobId)
  expect(spec.maySleep).toBe(false)
  expect(promisesOf(spec).runStretch).toBe(1.3)
  expect(promisesOf({ ...spec, maySleep: true }).runStretch).toBeUndefined()
  expect(promisesOf({ tier: 'gold' }).runStretch).toBeUndefined()
})

test('the fee is that of the day the job was taken in', async () => {
  const fog = await measuredFog()
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission())
  const { prices } = fog.platform.config
  const dearer = { ...fog.platform, config: { ...fog.platform.config, prices: { ...prices, feeBasisPoints: 9_000n } } }
  await runAll(fog)
  await settleJobs(dearer)
  const job = await jobOf(fog, jobId)
  expect(job.feeBasisPoints).toBe(500)
  expect((await receiptOf(dearer, job)).fee).toBe(formatTokens(amount(job.cost! / 20n)))
  expect(await balanceOf(fog, TREASURY)).toBe(job.cost! / 20n)
})

test('platinum is refused in one failure domain, far away, or before anybody measured', async () => {
  const alone = await measuredFog()
  const wanted = alone.submission({ tier: 'platinum' })
  await expect(submitJob(alone.platform, alone.submitter, wanted)).rejects.toThrow('2 failure domains')
  const unknown = await SmallFog.open({ devices: 2 })
  const codes = async (fog: SmallFog) =>
    (await quoteJob(fog.platform, fog.submitter.accountId, wanted)).refusals.map(({ code }) => code)
  expect(await codes(unknown)).toEqual(['latency'])
  await measure(unknown, 21)
  expect(await codes(unknown)).toEqual(['latency'])
  await measure(unknown, 20)
  expect(await codes(unknown)).toEqual([])
  const tasks = Array.from({ length: 9 }, (_, i) => ({ item: String(i) }))
  const many = await quoteJob(unknown.platform, unknown.submitter.accountId, { ...wanted, tasks })
  expect(many.refusals.map(({ code }) => code)).toEqual(['queue_wait'])
})
