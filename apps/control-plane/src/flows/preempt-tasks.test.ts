import { describe, expect, test } from 'vitest'
import type { Tier } from '@fog/scheduler'
import { hearWorkers } from './accept-result.ts'
import { expireLeases } from './expire-leases.ts'
import { watchWaits } from './note-incidents.ts'
import { PreemptionGate, preemptTasks } from './preempt-tasks.ts'
import { submitJob } from './submit-job.ts'
import { SmallFog } from './testing/small-fog.ts'

const read = (fog: SmallFog) => fog.platform.database.read.jobs
const jobOf = async (fog: SmallFog, tier: Tier, tasks: number, more = {}) => {
  const items = Array.from({ length: tasks }, (_, i) => ({ item: String(i) }))
  const job = await submitJob(fog.platform, fog.submitter, fog.submission({ tier, tasks: items, ...more }))
  return job.jobId
}
const statuses = async (fog: SmallFog, jobId: Awaited<ReturnType<typeof jobOf>>) =>
  (await read(fog).listAttempts(jobId)).map(({ status }) => status)
const preempt = (fog: SmallFog, gate = new PreemptionGate()) => preemptTasks(fog.platform, fog.round, gate)
const sound = async (fog: SmallFog) => {
  expect(await read(fog).auditJobs()).toEqual([])
  expect(await fog.platform.database.read.nodes.auditReservations()).toEqual([])
  for (const { reserved, capacity } of await fog.platform.database.read.nodes.list({ limit: 100 })) {
    expect(reserved.cpuMilli).toBeLessThanOrEqual(capacity.cpuMilli)
  }
}

/** Devices whose round trip is known, so that better tiers take them. */
async function measuredFog(options = {}): Promise<SmallFog> {
  const fog = await SmallFog.open(options)
  await fog.platform.database.transact((tx) =>
    tx.nodes.touch(fog.devices.map(({ nodeId }) => ({ nodeId, at: fog.clock.now(), latencyMs: 3 }))),
  )
  return fog
}

describe('a platinum task without room', () => {
  test('takes that of the newest bronze task, in one transaction, and the other comes back', async () => {
    const fog = await measuredFog({ devices: 2, cores: 1 })
    const bronze = await jobOf(fog, 'bronze', 2)
    await fog.place()
    const sent = await fog.dispatch()
    for (const { device, lease } of sent) {
      const { attemptId, fence } = fog.result(device, lease)
      await hearWorkers(fog.platform, [{ type: 'started', nodeId: device.nodeId, attemptId, fence }])
    }
    const platinum = await jobOf(fog, 'platinum', 1)
    expect((await fog.place()).placed).toEqual([])
    expect((await preempt(fog)).count).toBe(0)
    fog.clock.advance(600)
    expect((await preempt(fog)).count).toBe(1)
    expect((await statuses(fog, bronze)).toSorted()).toEqual(['preempted', 'running'])
    expect(await statuses(fog, platinum)).toEqual(['leased'])
    await sound(fog)

    const [lease] = await fog.dispatch()
    await hearWorkers(fog.platform, [fog.result(lease!.device, lease!.lease)])
    expect((await read(fog).findJob(platinum))!.status).toBe('succeeded')
    // What was preempted did nothing wrong: it is placed again at once, and a late result of it counts for nothing.
    const victim = sent.find(({ lease: { attemptId } }) => attemptId !== sent[1]!.lease.attemptId)!
    const late = fog.result(victim.device, victim.lease)
    await fog.place()
    expect((await read(fog).listAttempts(bronze)).filter(({ status }) => status === 'leased')).toHaveLength(1)
    const again = await hearWorkers(fog.platform, [late, fog.result(sent[1]!.device, sent[1]!.lease)])
    expect(again.toSorted()).toEqual(['counted', 'ignored'])
    await sound(fog)
  })

  test('is not let in where only gold would give way, nor gold where only silver would', async () => {
    for (const [better, worse] of [
      ['platinum', 'gold'],
      ['gold', 'silver'],
    ] as const) {
      const fog = await measuredFog({ devices: 2, cores: 1 })
      const running = await jobOf(fog, worse, 2)
      await fog.place()
      await expect(jobOf(fog, better, 1)).rejects.toThrow('there is room for 0 more')
      fog.clock.advance(8_000)
      expect((await preempt(fog)).count).toBe(0)
      expect(await statuses(fog, running)).toEqual(['leased', 'leased'])
    }
  })

  test('is told apart by the rate that bounds how many give way', async () => {
    const fog = await measuredFog({ devices: 4, cores: 1 })
    await jobOf(fog, 'bronze', 4)
    await fog.place()
    await jobOf(fog, 'platinum', 1)
    await jobOf(fog, 'platinum', 1)
    fog.clock.advance(600)
    const gate = new PreemptionGate()
    gate.take(fog.platform.config.tiers.preemptionsPerMinute - 1, fog.clock.now())
    expect((await preempt(fog, gate)).count).toBe(1)
    expect((await preempt(fog, gate)).count).toBe(0)
    fog.clock.advance(60_000)
    expect((await preempt(fog, gate)).count).toBe(1)
  })

  test('has all of its room or none of it when the control plane dies between decision and commit', async () => {
    const fog = await measuredFog({ devices: 2, cores: 1 })
    const bronze = await jobOf(fog, 'bronze', 2)
    await fog.place()
    const platinum = await jobOf(fog, 'platinum', 1)
    fog.clock.advance(600)
    const { database } = fog.platform
    const dying = {
      ...fog.platform,
      database: {
        ...database,
        read: database.read,
        transact: <T>(work: Parameters<typeof database.transact<T>>[0]) =>
          database.transact(async (tx) => {
            await work(tx)
            throw new Error('killed before the commit')
          }),
      },
    }
    await expect(preemptTasks(dying, fog.round, new PreemptionGate())).rejects.toThrow('killed')
    expect(await statuses(fog, bronze)).toEqual(['leased', 'leased'])
    expect(await statuses(fog, platinum)).toEqual([])
    await sound(fog)
    await preempt(fog)
    await sound(fog)
    // Killed after the commit and before the lease was sent: it is sent by whoever comes next, or runs out and is placed anew.
    fog.clock.advance(5_001)
    expect((await expireLeases(fog.platform)).count).toBeGreaterThan(0)
    expect(await statuses(fog, platinum)).toEqual(['lost'])
    await sound(fog)
  })
})

describe('what keeps its state', () => {
  test('is asked first, and gives way when it has kept it or its time is over', async () => {
    for (const ending of ['returned', 'overdue'] as const) {
      const fog = await measuredFog({ devices: 2, cores: 1 })
      const bronze = await jobOf(fog, 'bronze', 2)
      await fog.place()
      const sent = await fog.dispatch()
      await keepState(fog, bronze)
      const platinum = await jobOf(fog, 'platinum', 1)
      fog.clock.advance(600)
      expect((await preempt(fog)).count).toBe(1)
      expect((await preempt(fog)).count).toBe(0)
      expect(await statuses(fog, platinum)).toEqual([])
      const [asked] = await read(fog).tiers.listYielding(10)
      if (ending === 'returned') {
        const { nodeId, attemptId, fence } = asked!
        await hearWorkers(fog.platform, [{ type: 'returned', nodeId, attemptId, fence, reason: 'it kept its state' }])
        await fog.place()
      } else {
        fog.clock.advance(2_001)
        await preempt(fog)
        await fog.place()
      }
      expect((await read(fog).findAttempt(asked!.attemptId))!.status).toBe('preempted')
      expect(await statuses(fog, platinum)).toEqual(['leased'])
      expect(sent).toHaveLength(2)
      await sound(fog)
    }
  })
})

test('a wait that is too long is noted once, when it happens', async () => {
  const fog = await measuredFog({ devices: 2, cores: 1 })
  await jobOf(fog, 'gold', 2)
  await fog.place()
  const late = await jobOf(fog, 'silver', 1)
  fog.clock.advance(15 * 60_000 + 1)
  expect((await watchWaits(fog.platform)).count).toBe(1)
  expect((await watchWaits(fog.platform)).count).toBe(0)
  expect(await read(fog).tiers.listIncidents(late)).toMatchObject([
    { kind: 'queue_wait', broken: true, bound: 900_000 },
  ])
  const events = await fog.platform.database.read.events.read(undefined, 1000)
  expect(events.filter(({ type }) => type === 'task.promise_broken')).toMatchObject([
    { jobId: late, data: { index: 0, promise: 'queue_wait' } },
  ])
})

/** As if the attempts of a job had sent a checkpoint each. */
async function keepState(fog: SmallFog, jobId: Awaited<ReturnType<typeof jobOf>>) {
  await fog.platform.database.transact(async (tx) => {
    const attempts = await tx.jobs.listAttempts(jobId)
    const checkpoint = { sequence: 1, at: fog.clock.now(), bytes: 10, fuel: 1n }
    await tx.jobs.saveAttempts(attempts.map((attempt) => ({ ...attempt, checkpoint })))
  })
}
