import { seededRng } from '@fog/kernel'
import { expect, test } from 'vitest'
import { FEWEST_PROBES, MemoryMixProbes } from './probes.ts'
import { NEUTRAL_PERFORMANCE, performanceOf } from './registry.ts'
import { lossyLoops } from './testing/lossy-ways.ts'

const HOUR_MS = 3_600_000
const loops = (count: number, at: number, drops: Record<string, number> = {}) =>
  lossyLoops({ gateways: 2, layers: [2, 2, 2], drops }, count, seededRng(count)).map((loop) => ({ ...loop, at }))

test('a node is unknown until enough loops went through it, and has the performance of one nobody knows', async () => {
  const probes = new MemoryMixProbes()
  expect(await probes.read(['a0'], 0)).toEqual(new Map())
  const hops = ['g0', 'a0', 'b0', 'c0', 'g0']
  await probes.note(Array.from({ length: FEWEST_PROBES - 1 }, () => ({ hops, tookMs: 20, at: 5 })))
  const early = (await probes.read(['a0'], 5)).get('a0')
  expect(early).toMatchObject({ sent: FEWEST_PROBES - 1, lost: 0, at: 5, standing: 'unknown', lossRate: undefined })
  expect(performanceOf(early)).toBe(NEUTRAL_PERFORMANCE)
  await probes.note([{ hops, tookMs: 20, at: 9_000 }])
  const measured = (await probes.read(['a0'], 9_000)).get('a0')
  expect(measured).toMatchObject({ sent: FEWEST_PROBES, at: 9_000, standing: 'measured', lossRate: 0, meanMs: 20 })
  expect(performanceOf(measured)).toBe(1_000)
})

test('performance is what a node surely loses: few probes take little away', async () => {
  const performance = async (count: number) => {
    const probes = new MemoryMixProbes()
    await probes.note(loops(count, 0, { a0: 0.3 }))
    return performanceOf((await probes.read(['a0'], 0)).get('a0'))
  }
  const [few, many] = [await performance(60), await performance(4_000)]
  expect(many).toBeGreaterThan(690)
  expect(many).toBeLessThan(740)
  expect(few).toBeGreaterThan(many)
})

test('an hour counts, and a bounded number of loops', async () => {
  const probes = new MemoryMixProbes()
  await probes.note(loops(400, 0, { a0: 1 }))
  expect((await probes.read(['a0'], 1)).get('a0')!.lossRate).toBeGreaterThan(0.9)
  await probes.note(loops(401, HOUR_MS / 2))
  const later = (await probes.read(['a0'], HOUR_MS + 1)).get('a0')!
  expect(later.sent).toBeLessThan(260)
  expect(later.lossRate).toBe(0)
  expect(await probes.read(['a0'], 2 * HOUR_MS)).toEqual(new Map())
  for (let i = 0; i < 6; i++) await probes.note(loops(4_000, 2 * HOUR_MS))
  expect((await probes.read(['a0', 'a1'], 2 * HOUR_MS + 5_000)).values().reduce((sum, { sent }) => sum + sent, 0)).toBe(
    16_384,
  )
})
