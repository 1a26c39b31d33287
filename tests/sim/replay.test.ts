import { expect, test } from 'vitest'
import { readKthSp2 } from '../../benches/queue/kth-sp2.ts'
import { Replay, REPLAY_DEFAULTS } from './replay.ts'

const trace = readKthSp2()

test('jobs that really ran go through the scheduler as gangs, some losing tasks, and no invariant breaks', async () => {
  const jobs = trace.jobs.slice(0, 1_000)
  const figures = await new Replay({ ...trace, jobs }, { ...REPLAY_DEFAULTS, loss: 0.005, auditEvery: 400 }).run()
  expect(figures.jobs).toBe(1_000)
  expect(figures.attempts).toBe(figures.tasks + figures.lost)
  expect(figures.lost).toBeGreaterThan(0)
  expect(figures.reservations).toBeGreaterThan(0)
  expect(figures.audits).toBe(3)
})

test('the same jobs and the same seed have the same history', async () => {
  const few = { ...trace, jobs: trace.jobs.slice(0, 200) }
  const run = () => new Replay(few, { ...REPLAY_DEFAULTS, loss: 0.01 }).run()
  expect(await run()).toEqual(await run())
})
