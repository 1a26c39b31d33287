import { seededRng } from '@fog/kernel'
import { FrontSorter } from '@fog/scheduler/nsga2'
import type { Figure } from '../figure.ts'
import { cpuSecondsOf } from './cpu.ts'

const POINTS = 10_000
const ROUNDS = 51
const BARS_MS = new Map([
  [2, 3],
  [3, 8],
])

/** Non-dominated sorting of random points, with a sorter that is warm, as in the engine from its second generation on. */
export function sorting(): Figure[] {
  return [2, 3, 4, 5].map((width) => {
    const rng = seededRng(1)
    const points = Float64Array.from({ length: POINTS * width }, () => rng.next())
    const sorter = new FrontSorter(width)
    const ranks = new Uint32Array(POINTS)
    let fronts = 0
    const times = Array.from({ length: ROUNDS }, () =>
      cpuSecondsOf(() => {
        fronts = sorter.sort(points, POINTS, ranks)
      }),
    )
    const sorted = times.toSorted((a, b) => a - b)
    const most = BARS_MS.get(width)
    return {
      name: `sort of ${POINTS} points, ${width} objectives`,
      value: sorted[Math.floor(ROUNDS / 2)]! * 1000,
      unit: 'ms CPU',
      ...(most !== undefined && { bar: { atMost: most } }),
      method: `median of ${ROUNDS}, least ${(sorted[0]! * 1000).toFixed(2)}; uniform random points, seed 1, ${fronts} fronts`,
    }
  })
}
