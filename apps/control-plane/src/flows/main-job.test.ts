import { expect, test } from 'vitest'
import { formatTokens, newId, toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { Ledger } from '@fog/tokenomics'
import { hearWorkers } from './accept-result.ts'
import { cancelJob } from './cancel-job.ts'
import { expireLeases } from './expire-leases.ts'
import { setNodeDuty } from './node-life.ts'
import { receiptOf } from './receipt.ts'
import { settleJobs } from './settle-job.ts'
import { quoteJob } from './quote-job.ts'
import { submitJob } from './submit-job.ts'
import { SmallFog } from './testing/small-fog.ts'

const read = (fog: SmallFog) => fog.platform.database.read
const balance = async (fog: SmallFog) => (await read(fog).ledger.findAccount(fog.submitter.accountId))!.balance
const soundBooks = async (fog: SmallFog) =>
  expect((await new Ledger({ store: read(fog).ledger, clock: fog.clock }).audit()).broken).toEqual([])

test('a job is held for, placed, run, checked, settled and accounted for', async () => {
  const fog = await SmallFog.open()
  const before = await balance(fog)
  const { jobId, priceCap } = await submitJob(fog.platform, fog.submitter, fog.submission())
  expect(await balance(fog)).toBe(before - priceCap)

  expect((await fog.place()).placed).toHaveLength(1)
  const [sent] = await fog.dispatch()
  expect(await fog.dispatch()).toEqual([])
  expect(await hearWorkers(fog.platform, [fog.result(sent!.device, sent!.lease)])).toEqual(['counted'])
  expect((await settleJobs(fog.platform)).count).toBe(1)
  expect((await settleJobs(fog.platform)).count).toBe(0)

  const job = (await read(fog).jobs.findJob(jobId))!
  expect(job).toMatchObject({ status: 'succeeded', settled: true })
  const receipt = await receiptOf(fog.platform, job)
  expect(receipt).toMatchObject({ cost: '0.001', fee: '0.00005', returned: formatTokens(priceCap - job.cost!) })
  expect(receipt.lines).toMatchObject([{ nodeName: 'device 0', tasks: 1, paid: '0.00095' }])
  expect(await balance(fog)).toBe(before - job.cost!)
  await soundBooks(fog)
})

test('a result that comes twice, late, or from another device changes nothing', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission())
  await fog.place()
  const [sent] = await fog.dispatch()
  const other = fog.devices.find((device) => device !== sent!.device)!
  const result = fog.result(sent!.device, sent!.lease)
  const stolen = { ...fog.result(other, sent!.lease), nodeId: sent!.device.nodeId }
  const altered = { ...result, report: { ...result.report, fuel: '1' } }

  expect(await hearWorkers(fog.platform, [fog.result(other, sent!.lease), stolen, altered])).toEqual([
    'forged',
    'forged',
    'forged',
  ])
  expect(await hearWorkers(fog.platform, [result, result])).toEqual(['counted', 'ignored'])
  expect(await hearWorkers(fog.platform, [result])).toEqual(['ignored'])
  const unknown = { ...result, attemptId: newId('attempt', fog.clock.now(), fog.rng) }
  expect(await hearWorkers(fog.platform, [unknown])).toEqual(['ignored'])
  expect((await read(fog).jobs.findJob(jobId))!.counts).toMatchObject({ done: 1 })
})

test('a result cannot lay hands on content that its device only knows the hash of', async () => {
  const fog = await SmallFog.open()
  const secret = utf8('of another account')
  const digest = toHex(sha256(secret))
  await fog.platform.database.transact((tx) => tx.blobs.addSmall([{ digest, content: secret, at: fog.clock.now() }]))
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission())
  await fog.place()
  const [sent] = await fog.dispatch()
  const result = { ...fog.result(sent!.device, sent!.lease, 'of another account'), inline: [] }
  expect(await hearWorkers(fog.platform, [result])).toEqual(['counted'])
  const [attempt] = await read(fog).jobs.listAttempts(jobId)
  expect(attempt).toMatchObject({ status: 'returned', note: expect.stringContaining('was not brought') })
  expect(await read(fog).blobs.readable(fog.submitter.accountId, [digest])).toEqual(new Set())
})

test('a lost lease goes back to the queue, to another device, and the late result does not count', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission())
  await fog.place()
  const [first] = await fog.dispatch()
  fog.clock.advance(fog.platform.config.timing.leaseMs + 1)
  expect((await expireLeases(fog.platform)).count).toBe(1)
  fog.clock.advance(60_000)
  await fog.place()
  const [second] = await fog.dispatch()
  expect(second!.device).not.toBe(first!.device)
  expect(second!.lease.fence).toBe(first!.lease.fence + 1)

  expect(await hearWorkers(fog.platform, [fog.result(first!.device, first!.lease)])).toEqual(['ignored'])
  expect(await hearWorkers(fog.platform, [fog.result(second!.device, second!.lease)])).toEqual(['counted'])
  expect((await read(fog).jobs.findJob(jobId))!.status).toBe('succeeded')
  expect(await read(fog).nodes.auditReservations()).toEqual([])
})

test('two results must agree where two are asked for, and a liar is neither paid nor trusted', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ verify: { quorum: 2 } }))
  await fog.place()
  const sent = await fog.dispatch()
  expect(new Set(sent.map(({ device }) => device)).size).toBe(2)
  const liar = sent[1]!
  await hearWorkers(fog.platform, [
    fog.result(sent[0]!.device, sent[0]!.lease),
    fog.result(liar.device, liar.lease, 'a lie'),
  ])
  expect((await read(fog).jobs.findJob(jobId))!.counts.done).toBe(0)

  await fog.place()
  const [third] = await fog.dispatch()
  await hearWorkers(fog.platform, [fog.result(third!.device, third!.lease)])
  await settleJobs(fog.platform)
  const receipt = await receiptOf(fog.platform, (await read(fog).jobs.findJob(jobId))!)
  expect(receipt.lines.map(({ nodeId }) => nodeId)).not.toContain(liar.device.nodeId)
  expect(receipt.lines).toHaveLength(2)
  const trusts = await Promise.all(fog.devices.map(async ({ nodeId }) => (await read(fog).nodes.find(nodeId))!.trust))
  expect(Math.min(...trusts)).toBe((await read(fog).nodes.find(liar.device.nodeId))!.trust)
  await soundBooks(fog)
})

test('a cancelled job pays for what is done and gives the rest back', async () => {
  const fog = await SmallFog.open()
  const before = await balance(fog)
  const tasks = Array.from({ length: 6 }, (_, i) => ({ item: String(i) }))
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ tasks }))
  await fog.place()
  const [sent] = await fog.dispatch()
  await hearWorkers(fog.platform, [fog.result(sent!.device, sent!.lease)])
  await cancelJob(fog.platform, jobId)
  await settleJobs(fog.platform)
  const job = (await read(fog).jobs.findJob(jobId))!
  expect(job).toMatchObject({ status: 'cancelled', settled: true, counts: { done: 1, cancelled: 5 } })
  expect(await balance(fog)).toBe(before - job.cost!)
  expect(await read(fog).nodes.auditReservations()).toEqual([])
  await expect(cancelJob(fog.platform, jobId)).rejects.toMatchObject({ code: 'job.over' })
})

test('short tasks are leased ahead of their turn, long ones are not', async () => {
  const fog = await SmallFog.open({ cores: 2 })
  const tasks = Array.from({ length: 80 }, (_, i) => ({ item: String(i) }))
  await submitJob(fog.platform, fog.submitter, fog.submission({ tasks }))
  const turn = async (ms: number) => {
    await fog.place()
    const sent = await fog.dispatch()
    fog.clock.advance(ms)
    await hearWorkers(
      fog.platform,
      sent.map(({ device, lease }) => fog.result(device, lease)),
    )
    return sent.length
  }
  expect([await turn(5), await turn(5)]).toEqual([2, 2])
  // Four are done in ten milliseconds: from now on the device holds a line of them, without reserving anything for it.
  await fog.place()
  const { reserved, reservations } = (await read(fog).nodes.find(fog.devices[0]!.nodeId))!
  expect([reserved.cpuMilli, reservations]).toEqual([2000, 32])
  // Then they turn out to take long.
  expect([await turn(60_000), await turn(60_000)]).toEqual([32, 2])
  expect(await read(fog).nodes.auditReservations()).toEqual([])
})

test('a draining device gets no new work and keeps what it has; a retired one loses it', async () => {
  const fog = await SmallFog.open()
  await submitJob(fog.platform, fog.submitter, fog.submission({ tasks: [{ item: '1' }, { item: '2' }, { item: '3' }] }))
  await fog.place()
  const sent = await fog.dispatch()
  const { nodeId } = fog.devices[0]!
  await setNodeDuty(fog.platform, nodeId, 'draining', 'admin')
  await hearWorkers(fog.platform, [fog.result(sent[0]!.device, sent[0]!.lease)])
  expect((await fog.place()).placed).toEqual([])
  await setNodeDuty(fog.platform, nodeId, 'retired', 'admin')
  expect(await read(fog).jobs.listLive(nodeId)).toEqual([])
  expect((await read(fog).nodes.find(nodeId))!.reservations).toBe(0)
  await expect(setNodeDuty(fog.platform, nodeId, 'active', 'admin')).rejects.toMatchObject({ code: 'node.retired' })
})

test('a device that comes back is sent again what it never began, and loses what it was running', async () => {
  const fog = await SmallFog.open()
  await submitJob(fog.platform, fog.submitter, fog.submission({ tasks: [{ item: '1' }, { item: '2' }] }))
  await fog.place()
  const [begun, waiting] = await fog.dispatch()
  const { nodeId } = begun!.device
  const { attemptId, fence } = fog.result(begun!.device, begun!.lease)
  await hearWorkers(fog.platform, [{ type: 'started', nodeId, attemptId, fence }])
  const { resend, drop } = await fog.connect(begun!.device, [])
  expect(resend).toEqual([waiting!.lease.attemptId])
  expect(drop).toEqual([])
  expect((await read(fog).jobs.findAttempt(attemptId))!.status).toBe('lost')
})

test('a quote is never less than what is held, and says what is in the way', async () => {
  const fog = await SmallFog.open()
  const wanted = fog.submission({ tasks: Array.from({ length: 20 }, (_, i) => ({ item: String(i) })) })
  const quote = await quoteJob(fog.platform, fog.submitter.accountId, wanted)
  expect(quote).toMatchObject({ tasks: 20, affordable: true, refusals: [] })
  const { priceCap } = await submitJob(fog.platform, fog.submitter, wanted)
  expect(formatTokens(priceCap)).toBe(quote.priceCap)

  const dear = await quoteJob(fog.platform, fog.submitter.accountId, { ...wanted, budget: '0.000001' })
  expect(dear.refusals).toMatchObject([{ code: 'job.over_budget' }])
  const wide = await quoteJob(fog.platform, fog.submitter.accountId, { ...wanted, resources: { cores: 64 } })
  expect(wide.refusals.map(({ text }) => text).join(' ')).toContain('cores')
})
