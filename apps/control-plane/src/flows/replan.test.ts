import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JobId } from '@fog/kernel'
import type { Tier } from '@fog/scheduler'
import { ThreadFrontPlanner } from '../planning/front-planner.ts'
import { hearWorkers } from './accept-result.ts'
import { replan, Replanning } from './replan.ts'
import { submitJob } from './submit-job.ts'
import { type Device, SmallFog } from './testing/small-fog.ts'

let planner: ThreadFrontPlanner
beforeEach(() => {
  planner = new ThreadFrontPlanner()
})
afterEach(() => planner.stop())

const read = (fog: SmallFog) => fog.platform.database.read
const fronts = (fog: SmallFog) => read(fog).fronts.list({ limit: 10 })
const attempts = (fog: SmallFog, jobId: JobId) => read(fog).jobs.listAttempts(jobId)
const again = (fog: SmallFog, replanning = new Replanning()) => replan(fog.platform, planner, fog.round, replanning)

async function submit(fog: SmallFog, tier: Tier, tasks: number, more = {}): Promise<JobId> {
  const items = Array.from({ length: tasks }, (_, i) => ({ item: String(i) }))
  return (await submitJob(fog.platform, fog.submitter, fog.submission({ tier, tasks: items, ...more }))).jobId
}

async function start(fog: SmallFog): Promise<void> {
  for (const { device, lease } of await fog.dispatch()) {
    const { attemptId, fence } = fog.result(device, lease)
    await hearWorkers(fog.platform, [{ type: 'started', nodeId: device.nodeId, attemptId, fence }])
  }
}

async function expectSound(fog: SmallFog): Promise<void> {
  expect(await read(fog).jobs.auditJobs()).toEqual([])
  expect(await read(fog).nodes.auditReservations()).toEqual([])
}

describe('planning anew', () => {
  test('places what waits as the chosen point has it, and keeps the front with the reason', async () => {
    const fog = await SmallFog.open({ devices: 3, cores: 2 })
    const jobId = await submit(fog, 'silver', 4)
    expect((await again(fog)).count).toBe(4)
    expect((await attempts(fog, jobId)).map(({ status }) => status)).toEqual(['leased', 'leased', 'leased', 'leased'])
    const [front] = await fronts(fog)
    expect(front).toMatchObject({ queued: 4, movable: 0, nodes: 3, placed: 4, moved: [] })
    expect(front!.points[front!.chosen]!.waiting).toBe(0)
    expect(front!.why).toMatch(/\w+ \w+/)
    expect(front!.objectives.map(({ name }) => name)).toEqual(['lateness', 'cost', 'energy'])
    await expectSound(fog)
  })

  test('does not search again while nothing changed, and again when something did', async () => {
    const fog = await SmallFog.open({ devices: 2, cores: 1 })
    const replanning = new Replanning()
    await submit(fog, 'bronze', 4)
    await again(fog, replanning)
    await again(fog, replanning)
    await again(fog, replanning)
    expect(await fronts(fog)).toHaveLength(1)
    fog.clock.advance(1)
    await fog.join('another', 1)
    await again(fog, replanning)
    expect(await fronts(fog)).toHaveLength(2)
    await expectSound(fog)
  })

  test('is not worth a search where nothing that waits has room', async () => {
    const fog = await SmallFog.open({ devices: 2, cores: 1 })
    await submit(fog, 'silver', 5)
    await fog.place()
    expect((await again(fog)).count).toBe(0)
    expect(await fronts(fog)).toEqual([])
  })

  test('changes nothing about what was placed or cancelled while it searched', async () => {
    const fog = await SmallFog.open({ devices: 2, cores: 2 })
    const jobId = await submit(fog, 'silver', 3)
    const slow = {
      plan: async (...order: Parameters<ThreadFrontPlanner['plan']>) => {
        const answer = await planner.plan(...order)
        await fog.place()
        return answer
      },
      stop: () => planner.stop(),
    }
    await replan(fog.platform, slow, fog.round, new Replanning())
    expect(await attempts(fog, jobId)).toHaveLength(3)
    expect((await fronts(fog))[0]).toMatchObject({ placed: 0 })
    await expectSound(fog)
  })

  test('moves a running task to a device where it is much better off, once, and it goes on there', async () => {
    const fog = await SmallFog.open({ devices: 0 })
    const dear = await fog.join('dear', 2, { 'power.idle-w': '400', 'power.core-w': '60' })
    const jobId = await submit(fog, 'bronze', 1, { resources: { wallSeconds: 36_000 } })
    await fog.place()
    await start(fog)
    const cheap = await fog.join('cheap', 2, { 'power.idle-w': '1', 'power.core-w': '1' })
    expect((await again(fog)).count).toBe(1)
    expect((await fronts(fog))[0]!.moved).toMatchObject([{ from: dear.nodeId, to: cheap.nodeId }])
    await fog.place()
    expect(await whereNow(fog, jobId)).toEqual(
      [
        [dear, 'preempted'],
        [cheap, 'leased'],
      ].map(([device, status]) => [(device as Device).nodeId, status]),
    )
    await start(fog)
    fog.clock.advance(1000)
    expect((await again(fog)).count).toBe(0)
    await expectSound(fog)
  })

  test('leaves gold and platinum where they run', async () => {
    const fog = await SmallFog.open({ devices: 0 })
    const { nodeId } = await fog.join('dear', 2, { 'power.idle-w': '400' })
    const heard = { nodeId, at: fog.clock.now(), latencyMs: 3 }
    await fog.platform.database.transact((tx) => tx.nodes.touch([heard]))
    await submit(fog, 'gold', 1, { resources: { wallSeconds: 36_000 } })
    await fog.place()
    await start(fog)
    await fog.join('cheap', 2, { 'power.idle-w': '1' })
    expect((await again(fog)).count).toBe(0)
    expect(await fronts(fog)).toEqual([])
  })
})

async function whereNow(fog: SmallFog, jobId: JobId) {
  return (await attempts(fog, jobId)).map(({ nodeId, status }) => [nodeId, status])
}

describe('the planner’s thread', () => {
  test('that dies costs the plan, and the next one gets a new thread', async () => {
    const fog = await SmallFog.open({ devices: 2, cores: 2 })
    await submit(fog, 'silver', 2)
    const endless = { nodes: [], sorts: [], tasks: [], horizonMs: 1 }
    const broken = planner.plan({ ...endless, tasks: 'none' as never }, { deadlineMs: 50, seed: 1 })
    await expect(broken).rejects.toThrow('could not be made')
    expect((await again(fog)).count).toBe(2)
  })

  test('answers one request at a time', async () => {
    const request = { nodes: [], sorts: [], tasks: [], horizonMs: 1000 }
    const first = planner.plan(request, { deadlineMs: 50, seed: 1 })
    await expect(planner.plan(request, { deadlineMs: 50, seed: 1 })).rejects.toThrow('another one is being made')
    expect(await first).toMatchObject({ chosen: -1, points: [] })
  })
})
