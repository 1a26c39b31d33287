import { expect, test } from 'vitest'
import { World, WORLD_DEFAULTS } from './world.ts'

/** Tasks that went on from a checkpoint on another device, over all seeds: one world may have none. */
let resumed = 0

test.each([1, 7, 2026])(
  'no invariant breaks among lost, late and repeated messages and dying devices (seed %i)',
  async (seed) => {
    const figures = await new World({ ...WORLD_DEFAULTS, seed, jobs: 150, nodes: 16 }).run()
    expect(figures.jobs + figures.refused).toBe(150)
    expect(figures.lost).toBeGreaterThan(0)
    expect(figures.repeated).toBeGreaterThan(0)
    expect(figures.audits).toBeGreaterThan(0)
    expect(figures.checkpoints).toBeGreaterThan(0)
    resumed += figures.resumed
  },
)

test('of those worlds some have tasks that go on from their last checkpoint', () => {
  expect(resumed).toBeGreaterThan(0)
})

test('nor where there is so little room that better tiers take that of others', async () => {
  const figures = await new World({ ...WORLD_DEFAULTS, seed: 11, jobs: 120, nodes: 9 }).run()
  expect(figures.preempted).toBeGreaterThan(0)
  expect(figures.jobs).toBeGreaterThan(60)
})
