import { expect, test } from 'vitest'
import { formatTokens, parseId, type TaskId, toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { Ledger } from '@fog/tokenomics'
import { hearWorkers, type Saying } from './accept-result.ts'
import { openAttemptContent, takeAttemptState } from './attempt-blobs.ts'
import { cancelJob } from './cancel-job.ts'
import { releaseState } from './checkpoint-content.ts'
import { expireLeases } from './expire-leases.ts'
import { setNodeDuty } from './node-life.ts'
import { receiptOf } from './receipt.ts'
import { settleJobs } from './settle-job.ts'
import { submitJob } from './submit-job.ts'
import { hearCheckpoints } from './take-checkpoint.ts'
import { type Device, SmallFog } from './testing/small-fog.ts'

const read = (fog: SmallFog) => fog.platform.database.read
type Sent = Awaited<ReturnType<SmallFog['dispatch']>>[number]

test('a task whose node is lost goes on from its newest checkpoint elsewhere, and each is paid for the part that was used', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const before = (await read(fog).ledger.findAccount(fog.submitter.accountId))!.balance
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  expect(first.lease.state).toEqual({ everyMs: 10_000, maxBytes: 64 * 1024 * 1024, files: [] })
  fog.clock.advance(5_000)
  expect(await say(fog, first, 'one', { sequence: 1, fuel: 1_000_000_000n })).toEqual({ kind: 'taken' })
  expect(await say(fog, first, 'two', { sequence: 2, fuel: 3_000_000_000n })).toEqual({ kind: 'taken' })

  await lose(fog)
  const second = await placed(fog)
  expect(second.device).not.toBe(first.device)
  expect(second.lease.state?.files).toEqual([{ path: 'at', digest: digestOf('two'), size: 3 }])
  expect(BigInt(first.lease.limits.fuel) - BigInt(second.lease.limits.fuel)).toBe(3_000_000_000n)
  expect(await content(fog, second, digestOf('two'))).toBe('two')
  fog.clock.advance(5_000)
  expect(await say(fog, second, 'three', { fuel: 1_000_000_000n })).toEqual({ kind: 'taken' })

  await lose(fog)
  for (const { device } of [first, second]) await setNodeDuty(fog.platform, device.nodeId, 'draining', 'admin')
  const third = await placed(fog)
  expect(third.lease.state?.files).toEqual([{ path: 'at', digest: digestOf('three'), size: 5 }])
  expect(await hearWorkers(fog.platform, [fog.result(third.device, third.lease)])).toEqual(['counted'])
  await settleJobs(fog.platform)

  const job = (await read(fog).jobs.findJob(jobId))!
  expect(job).toMatchObject({ status: 'succeeded', settled: true })
  const receipt = await receiptOf(fog.platform, job)
  // 3 + 1 + 5 gigafuel at 0.0002 tokens, less the fee of a twentieth.
  expect(receipt).toMatchObject({ cost: '0.0018', fee: '0.00009', fuel: '9000000000' })
  const line = ({ device }: Sent) => receipt.lines.find(({ nodeId }) => nodeId === device.nodeId)
  expect(line(first)).toMatchObject({ tasks: 0, fuel: '3000000000', checkpointedFuel: '3000000000', paid: '0.00057' })
  expect(line(second)).toMatchObject({ tasks: 0, fuel: '1000000000', checkpointedFuel: '1000000000', paid: '0.00019' })
  expect(line(third)).toMatchObject({ tasks: 1, fuel: '5000000000', paid: '0.00095' })
  expect(line(third)).not.toHaveProperty('checkpointedFuel')
  expect((await read(fog).ledger.findAccount(fog.submitter.accountId))!.balance).toBe(before - job.cost!)
  expect((await new Ledger({ store: read(fog).ledger, clock: fog.clock }).audit()).broken).toEqual([])
  // Nothing is kept of a task that is over.
  expect(await read(fog).checkpoints.newest([taskOf(third)])).toEqual(new Map())
})

test('work that nobody went on from is not paid', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  const { jobId } = await submitJob(
    fog.platform,
    fog.submitter,
    fog.submission({ tasks: [{ item: 'a' }, { item: 'b' }] }),
  )
  await fog.place()
  const [one, other] = await fog.dispatch()
  fog.clock.advance(5_000)
  await say(fog, one!, 'one')
  await say(fog, other!, 'other')
  await hearWorkers(fog.platform, [fog.result(one!.device, one!.lease)])
  await cancelJob(fog.platform, jobId)
  await settleJobs(fog.platform)
  const job = (await read(fog).jobs.findJob(jobId))!
  expect(formatTokens(job.cost!)).toBe('0.001')
  expect(await read(fog).checkpoints.newest([taskOf(one!), taskOf(other!)])).toEqual(new Map())
})

test('all nodes of a line together are never paid more than the cap of the task', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ resources: { fuel: 6_000_000_000 } }))
  const first = await placed(fog)
  fog.clock.advance(5_000)
  await say(fog, first, 'one', { fuel: 5_999_999_999n })
  await lose(fog)
  const second = await placed(fog)
  expect(second.lease.limits.fuel).toBe('1')
  // It claims five gigafuel where one unit was left.
  await hearWorkers(fog.platform, [fog.result(second.device, second.lease)])
  await settleJobs(fog.platform)
  const job = (await read(fog).jobs.findJob(jobId))!
  expect(job.cost).toBe(job.taskPriceCap)
  expect((await new Ledger({ store: read(fog).ledger, clock: fog.clock }).audit()).broken).toEqual([])
})

test('only the node that holds the lease has a say, and what comes late or twice changes nothing', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  fog.clock.advance(5_000)
  const stated = await fog.checkpoint(first.device, first.lease, 'one')
  const other = fog.devices.find((device) => device !== first.device)!
  const stolen = { ...stated, nodeId: other.nodeId }
  const altered = { ...stated, checkpoint: { ...stated.checkpoint, fuel: '1' } }
  const wrongFence = { ...stated, fence: 2 }
  expect(await hearCheckpoints(fog.platform, [stolen, altered, wrongFence, stated, stated])).toEqual([
    { kind: 'forged' },
    { kind: 'forged' },
    { kind: 'forged' },
    { kind: 'taken' },
    { kind: 'taken' },
  ])
  await expect(bring(fog, other, first, 'x')).rejects.toMatchObject({ code: 'blob.not_found' })
  const late = await fog.checkpoint(first.device, first.lease, 'late', { sequence: 2 })
  await lose(fog)
  expect(await hearCheckpoints(fog.platform, [late])).toMatchObject([{ kind: 'refused' }])
  expect((await placed(fog)).lease.state?.files).toMatchObject([{ digest: digestOf('one') }])
})

test('a checkpoint whose content was not brought is refused, and the one before stays', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  fog.clock.advance(5_000)
  await say(fog, first, 'one')
  const next = await fog.checkpoint(first.device, first.lease, 'two', { sequence: 2 })
  fog.clock.advance(3_600_001)
  await releaseState(fog.platform)
  expect(await hearCheckpoints(fog.platform, [next])).toMatchObject([
    { kind: 'refused', why: expect.stringContaining('was not brought') },
  ])
  expect((await read(fog).checkpoints.newest([taskOf(first)])).get(taskOf(first))).toMatchObject({ sequence: 1 })
})

test('large state passes through the blob store, is let go of when superseded, and reads back whole', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  fog.clock.advance(5_000)
  const [large, larger] = ['a'.repeat(200_000), 'b'.repeat(300_000)]
  await say(fog, first, large)
  await say(fog, first, larger, { sequence: 2 })
  const [name] = await read(fog).checkpoints.listLeftovers(10)
  expect(await fog.platform.blobs.has(name!)).toBe(true)
  await releaseState(fog.platform)
  expect(await fog.platform.blobs.has(name!)).toBe(false)
  expect(await read(fog).checkpoints.listLeftovers(10)).toEqual([])
  await lose(fog)
  const second = await placed(fog)
  expect(await content(fog, second, digestOf(larger))).toBe(larger)
  await expect(content(fog, second, digestOf(large))).rejects.toMatchObject({ code: 'blob.not_found' })
})

test('a checkpoint whose content is gone is let go of, and the task begins anew', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  fog.clock.advance(5_000)
  const large = 'a'.repeat(200_000)
  await say(fog, first, large)
  const attemptId = parseId('attempt', first.lease.attemptId)
  const { kept } = (await read(fog).checkpoints.findFile(attemptId, digestOf(large)))!
  await fog.platform.blobs.delete('as' in kept ? kept.as : '')
  await lose(fog)
  const second = await placed(fog)
  await expect(content(fog, second, digestOf(large))).rejects.toMatchObject({ code: 'blob.not_found' })
  await hearWorkers(fog.platform, [returned(second)])
  fog.clock.advance(60_000)
  expect((await placed(fog)).lease.state?.files).toEqual([])
})

test('state of more bytes than the task has disk is not taken', async () => {
  const fog = await SmallFog.open()
  await submitJob(fog.platform, fog.submitter, fog.submission({ resources: { diskMiB: 1 } }))
  const first = await placed(fog)
  expect(first.lease.state?.maxBytes).toBe(1024 * 1024)
  await expect(bring(fog, first.device, first, 'x'.repeat(1024 * 1024 + 1))).rejects.toMatchObject({
    code: 'blob.too_large',
  })
})

test('where results have to agree, each is computed from the beginning', async () => {
  const fog = await SmallFog.open({ devices: 4 })
  await submitJob(fog.platform, fog.submitter, fog.submission({ verify: { quorum: 2 } }))
  await fog.place()
  const sent = await fog.dispatch()
  fog.clock.advance(5_000)
  // A node cannot tell by its lease whether others check it.
  expect(sent.map(({ lease }) => lease.state?.files)).toEqual([[], []])
  for (const each of sent) expect(await say(fog, each, each.device.nodeId)).toEqual({ kind: 'taken' })
  await lose(fog)
  await fog.place()
  const again = await fog.dispatch()
  expect(again.map(({ lease }) => lease.state?.files)).toEqual([[], []])
  expect(again.map(({ lease }) => lease.limits.fuel)).toEqual(sent.map(({ lease }) => lease.limits.fuel))
})

test('a program that fails after it went on from a checkpoint is begun anew, and only then has failed', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  fog.clock.advance(5_000)
  await say(fog, first, 'poison')
  await lose(fog)
  const second = await placed(fog)
  expect(second.lease.state?.files).toHaveLength(1)
  expect(await hearWorkers(fog.platform, [fog.failure(second.device, second.lease)])).toEqual(['counted'])
  expect((await read(fog).jobs.findJob(jobId))!.status).toBe('running')
  fog.clock.advance(60_000)
  const third = await placed(fog)
  expect(third.lease.state?.files).toEqual([])
  expect(third.lease.limits.fuel).toBe(first.lease.limits.fuel)
  expect(await hearWorkers(fog.platform, [fog.failure(third.device, third.lease)])).toEqual(['counted'])
  expect((await read(fog).jobs.findJob(jobId))!.status).toBe('failed')
})

test('given back with a checkpoint, a task comes further each time and does not use up its attempts', async () => {
  const fog = await SmallFog.open({ devices: 2 })
  const { jobId } = await submitJob(fog.platform, fog.submitter, fog.submission({ retries: 0 }))
  for (let times = 0; times < 4; times++) {
    const sent = await placed(fog)
    fog.clock.advance(5_000)
    await say(fog, sent, `step ${times}`, { fuel: 10n })
    await hearWorkers(fog.platform, [returned(sent)])
    fog.clock.advance(60_000)
  }
  const last = await placed(fog)
  expect(last.lease.state?.files).toMatchObject([{ digest: digestOf('step 3') }])
  await hearWorkers(fog.platform, [fog.result(last.device, last.lease)])
  expect((await read(fog).jobs.findJob(jobId))!.status).toBe('succeeded')
})

test('a node that leaves a checkpoint has begun, even if the word of it was lost, and the feed is told now and then', async () => {
  const fog = await SmallFog.open()
  await submitJob(fog.platform, fog.submitter, fog.submission())
  const first = await placed(fog)
  const attemptId = parseId('attempt', first.lease.attemptId)
  for (let sequence = 1; sequence <= 20; sequence++) {
    fog.clock.advance(6_000)
    await fog.platform.database.transact((tx) =>
      tx.jobs.renewLeases([{ attemptId, at: fog.clock.now() }], fog.platform.config.timing.leaseMs),
    )
    await say(fog, first, String(sequence), { sequence, fuel: BigInt(sequence) })
  }
  expect(await read(fog).jobs.findAttempt(attemptId)).toMatchObject({
    status: 'running',
    checkpoint: { sequence: 20, fuel: 20n },
  })
  const events = await read(fog).events.read(undefined, 1000)
  const told = events.filter(({ type }) => type === 'task.checkpointed')
  expect(told.length).toBeGreaterThanOrEqual(2)
  expect(told.length).toBeLessThanOrEqual(4)
  expect(told[0]).toMatchObject({ nodeId: first.device.nodeId, data: { index: 0, bytes: 1 } })
})

/** The one lease that is given out now. */
async function placed(fog: SmallFog): Promise<Sent> {
  await fog.place()
  const [sent] = await fog.dispatch()
  return sent!
}

/** All leases run out, and the back-off after it. */
async function lose(fog: SmallFog): Promise<void> {
  fog.clock.advance(130_000)
  await expireLeases(fog.platform)
  fog.clock.advance(60_000)
}

async function say(
  fog: SmallFog,
  { device, lease }: Sent,
  text: string,
  part?: { readonly sequence?: number; readonly fuel?: bigint },
) {
  const [answer] = await hearCheckpoints(fog.platform, [await fog.checkpoint(device, lease, text, part)])
  return answer
}

function returned({ device: { nodeId }, lease }: Sent): Saying {
  const attemptId = parseId('attempt', lease.attemptId)
  return { type: 'returned', nodeId, attemptId, fence: lease.fence, reason: 'its owner came back' }
}

async function bring(fog: SmallFog, { nodeId }: Device, { lease }: Sent, text: string): Promise<void> {
  const attemptId = parseId('attempt', lease.attemptId)
  const parts = (async function* () {
    yield utf8(text)
  })()
  await takeAttemptState(fog.platform, { nodeId, attemptId, digest: digestOf(text) }, { parts })
}

async function content(fog: SmallFog, { device: { nodeId }, lease }: Sent, digest: string): Promise<string> {
  const attemptId = parseId('attempt', lease.attemptId)
  const { stream, size } = await openAttemptContent(fog.platform, { nodeId, attemptId, digest })
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part as Uint8Array)
  const text = Buffer.concat(parts).toString()
  expect(text.length).toBe(size)
  return text
}

function taskOf({ lease }: Sent): TaskId {
  return parseId('task', lease.taskId)
}

function digestOf(text: string): string {
  return toHex(sha256(utf8(text)))
}
