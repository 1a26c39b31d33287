import { parseId, toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { expect, test } from 'vitest'
import { openAttemptContent } from './attempt-blobs.ts'
import { dispatchLeases } from './dispatch-job.ts'
import { explainJob } from './explain-job.ts'
import { quoteJob } from './quote-job.ts'
import { submitJob } from './submit-job.ts'
import { type Device, PROGRAM, SmallFog } from './testing/small-fog.ts'
import { addSchedule } from '../schedules/schedules.ts'

const TASKS = Array.from({ length: 6 }, (_, i) => ({ item: String(i) }))

/** A fog with a mixnet, three devices of owners of their own, the first `mixed` of them behind it, and the program brought by it. */
async function hiddenFog(mixed: number): Promise<SmallFog> {
  const fog = await SmallFog.open({ devices: 3, hasMixnet: true })
  for (const device of fog.devices.slice(0, mixed)) await fog.connect(device, [], 2, {}, 'mixnet')
  await bring(fog, PROGRAM)
  return fog
}

function bring(fog: SmallFog, digest: string): Promise<void> {
  const { accountId } = fog.submitter
  return fog.platform.database.transact((tx) => tx.blobs.grant([{ accountId, digest, reach: 'mixnet' }]))
}

function submit(fog: SmallFog, more: Parameters<SmallFog['submission']>[0] = {}) {
  const submission = fog.submission({ privacy: 'secret', tasks: TASKS, ...more })
  return submitJob(fog.platform, fog.submitter, submission, 'mixnet')
}

async function nodesOf(fog: SmallFog): Promise<Set<string>> {
  await fog.place()
  return new Set((await fog.dispatch()).map(({ device }) => device.nodeId))
}

test('its tasks go to devices behind the mixnet alone, those of others as ever', async () => {
  const fog = await hiddenFog(2)
  const [one, two] = fog.devices as [Device, Device, Device]
  await submit(fog)
  expect(await nodesOf(fog)).toEqual(new Set([one.nodeId, two.nodeId]))
  await submitJob(fog.platform, fog.submitter, fog.submission({ tasks: TASKS }))
  expect(await nodesOf(fog)).toEqual(new Set([fog.devices[2]!.nodeId]))
})

test('so do the results that have to agree', async () => {
  const fog = await hiddenFog(2)
  await submit(fog, { tasks: [{ item: 'a' }], verify: { quorum: 2 } })
  expect(await nodesOf(fog)).toEqual(new Set(fog.devices.slice(0, 2).map(({ nodeId }) => nodeId)))
  await expect(submit(fog, { verify: { quorum: 3 } })).rejects.toThrow('3 results from different owners')
})

test('it is refused where no device is behind the mixnet, where there is no mixnet, and when it comes directly', async () => {
  const fog = await hiddenFog(0)
  await expect(submit(fog)).rejects.toThrow('No node is reached through the mixnet')
  const plain = await SmallFog.open({ devices: 1 })
  await bring(plain, PROGRAM)
  await expect(submit(plain)).rejects.toThrow('nobody can reach it through a mixnet')
  const wanted = fog.submission({ privacy: 'secret' })
  await expect(submitJob(fog.platform, fog.submitter, wanted)).rejects.toMatchObject({ code: 'job.needs_mixnet' })
  const quote = quoteJob(fog.platform, fog.submitter.accountId, wanted)
  await expect(quote).rejects.toMatchObject({ code: 'job.needs_mixnet' })
  const schedule = addSchedule(fog.platform, fog.submitter, { cron: '0 3 * * *', job: wanted }, 'mixnet')
  await expect(schedule).rejects.toMatchObject({ code: 'schedule.secret' })
  for (const privacy of ['private', 'confidential'] as const) {
    await expect(submit(fog, { privacy })).rejects.toThrow('it needs circuits')
  }
})

test('its content must have come through the mixnet; and what came so alone is not spoken of directly', async () => {
  const fog = await hiddenFog(1)
  const { accountId } = fog.submitter
  const [shown, hidden] = ['shown', 'hidden'].map((text) => toHex(sha256(utf8(text)))) as [string, string]
  await fog.platform.database.transact(async (tx) => {
    const blobs = ['shown', 'hidden'].map((text) => ({ digest: toHex(sha256(utf8(text))), content: utf8(text), at: 1 }))
    await tx.blobs.addSmall(blobs)
    await tx.blobs.grant([{ accountId, digest: shown }])
  })
  await bring(fog, hidden)
  const file = (digest: string) => ({ inputs: [{ path: '/in/a', digest }] })
  await expect(submit(fog, file(shown))).rejects.toMatchObject({ code: 'job.content_came_directly' })
  await expect(submit(fog, file(hidden))).resolves.toMatchObject({ status: 'queued' })
  const openly = submitJob(fog.platform, fog.submitter, fog.submission(file(hidden)))
  await expect(openly).rejects.toMatchObject({ code: 'job.input_missing' })
  const mixed = submitJob(fog.platform, fog.submitter, fog.submission(file(hidden)), 'mixnet')
  await expect(mixed).resolves.toMatchObject({ status: 'queued' })
  await bring(fog, shown)
  await expect(submit(fog, file(shown))).resolves.toMatchObject({ status: 'queued' })
})

test('a device that connects directly loses its secret work at once, and gets no more', async () => {
  const fog = await hiddenFog(1)
  const [device] = fog.devices as [Device]
  const { jobId } = await submit(fog)
  await fog.place()
  const sent = await fog.dispatch()
  expect(sent.length).toBeGreaterThan(0)
  const held = sent.map(({ lease }) => parseId('attempt', lease.attemptId))
  const { drop, resend } = await fog.connect(device, held)
  expect(new Set(drop)).toEqual(new Set(held))
  expect(resend).toEqual([])
  expect(await nodesOf(fog)).toEqual(new Set())
  const job = (await fog.platform.database.read.jobs.findJob(jobId))!
  expect(job.counts).toMatchObject({ queued: TASKS.length, running: 0 })
  expect((await explainJob(fog.platform, job)).map(({ code }) => code)).toContain('mixnet')
  await fog.connect(device, [], 2, {}, 'mixnet')
  fog.clock.advance(60_000)
  expect(await nodesOf(fog)).toEqual(new Set([device.nodeId]))
})

test('a lease that was not sent yet when its device connected directly is taken back unsent', async () => {
  const fog = await hiddenFog(1)
  const [device] = fog.devices as [Device]
  const { jobId } = await submit(fog, { tasks: [{ item: 'a' }] })
  await fog.place()
  const sent: unknown[] = []
  await dispatchLeases(fog.platform, fog.gatewayId, [device.nodeId], (_, leases) => void sent.push(...leases))
  expect(sent).toEqual([])
  expect(await fog.platform.database.read.jobs.listLive(device.nodeId)).toEqual([])
  expect((await fog.platform.database.read.jobs.findJob(jobId))!.counts.queued).toBe(1)
})

test('a node reads the content of secret work through the mixnet alone', async () => {
  const fog = await hiddenFog(1)
  await submit(fog, { tasks: [{ item: 'a' }] })
  await fog.place()
  const [{ device, lease }] = (await fog.dispatch()) as [Awaited<ReturnType<SmallFog['dispatch']>>[number]]
  const wanted = { nodeId: device.nodeId, attemptId: parseId('attempt', lease.attemptId), digest: PROGRAM }
  await expect(openAttemptContent(fog.platform, wanted)).rejects.toMatchObject({ code: 'job.needs_mixnet' })
  expect((await openAttemptContent(fog.platform, { ...wanted, reach: 'mixnet' })).digest).toBe(PROGRAM)
})
