import type { TiersView } from '@fog/contract'
import { hearWorkers } from '../flows/accept-result.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestServer, type TestServer } from './testing/test-server.ts'
import { addNode, submitAndPlace, uploadNoop } from './testing/test-work.ts'

let fog: TestServer
beforeEach(async () => {
  fog = await openTestServer()
})
afterEach(() => fog.stop())

const tiersFor = async (token: string) => (await fog.ask('listTiers', { token })).json<TiersView>()

test('each tier says what it promises, and nothing of what was not measured', async () => {
  const token = await fog.tokenOf(await fog.addPerson('ada'), ['jobs:read'])
  const { tiers, headroomCores, from, to } = await tiersFor(token)
  expect(Date.parse(to) - Date.parse(from)).toBe(24 * 3_600_000)
  expect(headroomCores).toBe(0)
  expect(tiers.map(({ tier }) => tier)).toEqual(['platinum', 'gold', 'silver', 'bronze'])
  expect(tiers[0]).toEqual({
    tier: 'platinum',
    promises: {
      queueWaitP95Ms: 5_000,
      restartMs: 10_000,
      latencyMs: 20,
      runStretch: 1.05,
      failureDomains: 2,
      preempts: ['silver', 'bronze'],
      creditPercent: 50,
    },
    started: 0,
    queueWait: {},
    restarts: { count: 0 },
    preempted: 0,
    broken: { queueWait: 0, restart: 0, runStretch: 0 },
  })
})

test('what ran is measured, in the answer and in the metrics', async () => {
  const [ada, eve] = [await fog.addPerson('ada'), await fog.addPerson('eve')]
  const token = await fog.tokenOf(ada, ['jobs:read', 'jobs:write'])
  const nodeId = await addNode(fog, eve)
  const { attempts } = await submitAndPlace(fog, token, await uploadNoop(fog, token))
  fog.clock.advance(700)
  await hearWorkers(
    fog.platform,
    attempts.map(({ attemptId }) => ({ type: 'started', nodeId, attemptId, fence: 1 }) as const),
  )
  const silver = (await tiersFor(token)).tiers[2]!
  expect(silver).toMatchObject({ started: 2, queueWait: { p50Ms: 700, p95Ms: 700, p99Ms: 700 }, waitKept: true })
  const metrics = await fog.server.metrics.text()
  expect(metrics).toContain('fog_tier_wait_seconds{tier="silver",quantile="0.95"} 0.7')
  expect(metrics).toContain('fog_tier_started_tasks{tier="silver"} 2')
  expect(metrics).not.toContain('fog_tier_wait_seconds{tier="gold"')
})

test('nobody asks without a key that may read jobs', async () => {
  expect((await fog.ask('listTiers', {})).statusCode).toBe(401)
  const token = await fog.tokenOf(await fog.addPerson('ada'), ['ledger:read'])
  expect((await fog.ask('listTiers', { token })).statusCode).toBe(403)
})
