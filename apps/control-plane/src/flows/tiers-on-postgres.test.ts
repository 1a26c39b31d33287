import { afterAll, beforeAll, expect, test } from 'vitest'
import { Ledger } from '@fog/tokenomics'
import { type ScratchDatabase, type ScratchDatabases, scratchDatabases } from '../db/testing/scratch-database.ts'
import { hearWorkers } from './accept-result.ts'
import { measureTiers } from './measure-tiers.ts'
import { payOwedCredits } from './pay-credits.ts'
import { PreemptionGate, preemptTasks } from './preempt-tasks.ts'
import { settleJobs } from './settle-job.ts'
import { submitJob } from './submit-job.ts'
import { SmallFog } from './testing/small-fog.ts'

/** The memory twins carry the other tests; this shows that the story of the tiers rests on nothing that only they do. */

let databases: ScratchDatabases
let scratch: ScratchDatabase
beforeAll(async () => {
  databases = await scratchDatabases()
  scratch = await databases.open()
})
afterAll(async () => {
  await scratch.close()
  await databases.stop()
})

test('a better tier takes room, what it displaced comes back, and a broken promise is credited', async () => {
  const fog = await SmallFog.open({ devices: 2, cores: 1, database: scratch.database })
  const { platform, clock } = fog
  const { jobs, nodes, ledger } = platform.database.read
  await platform.database.transact((tx) =>
    tx.nodes.touch(fog.devices.map(({ nodeId }) => ({ nodeId, at: clock.now(), latencyMs: 3 }))),
  )
  const submit = (tier: 'platinum' | 'bronze', tasks: number) =>
    submitJob(
      platform,
      fog.submitter,
      fog.submission({ tier, tasks: Array.from({ length: tasks }, (_, i) => ({ item: String(i) })) }),
    )
  const bronze = await submit('bronze', 2)
  await fog.place()
  const sent = await fog.dispatch()
  const platinum = await submit('platinum', 1)
  clock.advance(5_001)

  // Two control planes at once, as when a leadership changes hands: the room is taken once.
  const rounds = [preemptTasks(platform, fog.round, new PreemptionGate())]
  rounds.push(preemptTasks(platform, fog.round, new PreemptionGate()))
  const counts = (await Promise.all(rounds)).map(({ count }) => count)
  expect(counts.toSorted((a, b) => a - b)).toEqual([0, 1])
  const bronzeStatuses = (await jobs.listAttempts(bronze.jobId)).map(({ status }) => status)
  expect(bronzeStatuses.toSorted()).toEqual(['leased', 'preempted'])
  expect(await nodes.auditReservations()).toEqual([])

  const [lease] = await fog.dispatch()
  await hearWorkers(platform, [
    fog.result(lease!.device, lease!.lease),
    ...sent.map(({ device, lease: old }) => fog.result(device, old)),
  ])
  await fog.place()
  const [again] = await fog.dispatch()
  await hearWorkers(platform, [fog.result(again!.device, again!.lease)])
  expect((await jobs.findJob(bronze.jobId))!.status).toBe('succeeded')
  await settleJobs(platform)
  await payOwedCredits(platform)
  const { cost, credit, creditPaid } = (await jobs.findJob(platinum.jobId))!
  // It began a millisecond too late.
  expect(credit).toBe(cost! / 2n)
  expect(creditPaid).toBeGreaterThan(0n)

  const { measures } = await measureTiers(platform)
  expect(measures.map(({ tier, started, preempted }) => [tier, started, preempted])).toEqual([
    ['platinum', 1, 0],
    ['gold', 0, 0],
    ['silver', 0, 0],
    ['bronze', 2, 1],
  ])
  expect(measures[0]!.broken).toEqual({ queueWait: 1, restart: 0, runStretch: 0 })
  expect(await jobs.auditJobs()).toEqual([])
  expect((await new Ledger({ store: ledger, clock }).audit()).broken).toEqual([])
})
