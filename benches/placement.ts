import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRng } from '@fog/kernel'
import { buildModel, PlacementEngine, planFront } from '@fog/scheduler/placement'
import type { Figure } from './figure.ts'
import { assign, instanceNames, SECONDS_EACH } from './placement/assignments.ts'
import { cpuMs, CPU_CLOCK } from './placement/cpu-time.ts'
import { type Comparison, compare } from './placement/fronts.ts'
import { openbRequest, type Sizes } from './placement/openb.ts'
import { type PlotSeries, writePlot } from './plot.ts'
import { quantile } from './yardstick.ts'

const SCENARIOS: readonly Sizes[] = [
  { nodes: 200, tasks: 300 },
  { nodes: 200, tasks: 1000 },
  { nodes: 200, tasks: 1400 },
]
const SEEDS = [1, 2, 3, 4, 5]
const REPLANS = 10

/** Above this share over the proven bound an assignment of the class misses its bar, in percent. */
const GAP_BARS: Readonly<Record<string, number>> = { a: 0.1, b: 0.1, c: 0.5, d: 1, e: 1 }

/**
 * Placement of real tasks on real nodes: the memetic NSGA-II against greedy rules, a sweep of weights and a long weighted
 * descent, at equal CPU time; re-planning against the clock; and instances of generalised assignment with proven bounds.
 */
export async function placement(): Promise<Figure[]> {
  // Compiled code for both, before either counts.
  compare({ nodes: 100, tasks: 300 }, 99)
  const figures: Figure[] = []
  const all: Comparison[] = []
  for (const sizes of SCENARIOS) {
    const comparisons = SEEDS.map((seed) => compare(sizes, seed))
    all.push(...comparisons)
    figures.push(...frontFigures(sizes, comparisons))
    await drawFronts(comparisons[0]!)
  }
  await keepFronts(all)
  return [...figures, ...replanFigures(), ...assignmentFigures()]
}

function frontFigures({ nodes, tasks }: Sizes, comparisons: readonly Comparison[]): Figure[] {
  const name = `${nodes} x ${tasks}`
  const ratios = comparisons.map(({ volumes }) => volumes.engine / volumes.descent)
  const median = (of: (one: Comparison) => number) => quantile(comparisons.map(of), 0.5)
  const volumes = `median volumes: greedy ${median(({ volumes }) => volumes.greedy).toFixed(3)}, sweep ${median(({ volumes }) => volumes.sweep).toFixed(3)}, descent ${median(({ volumes }) => volumes.descent).toFixed(3)}, engine ${median(({ volumes }) => volumes.engine).toFixed(3)}`
  const cpu = `${median(({ descentCpuMs }) => descentCpuMs).toFixed(0)} ms CPU each (engine at most ${Math.max(...comparisons.map(({ engineCpuMs, descentCpuMs }) => engineCpuMs - descentCpuMs)).toFixed(0)} ms more)`
  const waiting = `at least ${median(({ waiting }) => waiting.engine)} waiting against ${median(({ waiting }) => waiting.descent)}`
  const method = `openb, seeds ${SEEDS.join(' ')}, archive 100, ${cpu}`
  return [
    {
      name: `${name}: hypervolume over descent, worst`,
      value: Math.min(...ratios),
      unit: 'x',
      bar: { atLeast: 1.02 },
      method,
    },
    { name: `${name}: hypervolume over descent, median`, value: quantile(ratios, 0.5), unit: 'x', method: volumes },
    {
      name: `${name}: greedy and sweep points missed`,
      value: sum(comparisons.map(({ missed }) => missed)),
      unit: 'points',
      bar: { atMost: 0 },
      method: `of ${SEEDS.length * 87}: 7 rules x 3 orders and 66 weights a seed; ${waiting}`,
    },
    {
      name: `${name}: infeasible points`,
      value: sum(comparisons.map(({ infeasible }) => infeasible)),
      unit: 'points',
      bar: { atMost: 0 },
      method: 'every point of both fronts against the question itself',
    },
  ]
}

/** A front for 1,000 tasks on 200 nodes from the question to the answer, on one thread. */
function replanFigures(): Figure[] {
  const spent: number[] = []
  const points: number[] = []
  for (let seed = 1; seed <= REPLANS; seed += 1) {
    const request = openbRequest({ nodes: 200, tasks: 1000 }, seed)
    const from = cpuMs()
    const answer = planFront(request, { clock: CPU_CLOCK, deadlineMs: 1_800, seed })
    spent.push((cpuMs() - from) / 1000)
    points.push(answer.points.length)
  }
  const method = `${REPLANS} seeds, deadline 1.8 s of CPU time, ${Math.min(...points)} to ${Math.max(...points)} points, model and choice included`
  return [
    { name: 're-plan of 1,000 x 200, max', value: Math.max(...spent), unit: 's', bar: { atMost: 2 }, method },
    { name: 're-plan of 1,000 x 200, p50', value: quantile(spent, 0.5), unit: 's', method },
    ...pauseFigures(),
  ]
}

/** How long the search goes on between two looks at the clock: by so much a deadline may be passed. */
function pauseFigures(): Figure[] {
  const engine = new PlacementEngine(buildModel(openbRequest({ nodes: 200, tasks: 1000 }, 1)), seededRng(1))
  const pauses: number[] = []
  const from = cpuMs()
  for (let at = from; at - from < 1_800;) {
    engine.step()
    const now = cpuMs()
    pauses.push(now - at)
    at = now
  }
  const method = `${pauses.length} steps in 1.8 s of CPU time, mean ${(1_800 / pauses.length).toFixed(2)} ms`
  return [
    { name: 'one step at 1,000 x 200, p99', value: quantile(pauses, 0.99), unit: 'ms', method },
    { name: 'one step at 1,000 x 200, max', value: Math.max(...pauses), unit: 'ms', method },
  ]
}

function assignmentFigures(): Figure[] {
  const assigned = instanceNames().map((name) => assign(name, 1))
  const gaps = assigned.map(({ name, cost, bound, isFeasible }): Figure => {
    const over = isFeasible ? (cost / bound - 1) * 100 : Number.POSITIVE_INFINITY
    const method = `cost ${cost}, proven bound ${bound}; ${SECONDS_EACH} s CPU, seed 1`
    return { name: `assignment ${name}`, value: over, unit: '% over', bar: { atMost: GAP_BARS[name[0]!]! }, method }
  })
  const infeasible = assigned.filter(({ isFeasible }) => !isFeasible).length
  return [
    { name: 'assignments left infeasible', value: infeasible, unit: '', bar: { atMost: 0 }, method: 'of 15' },
    ...gaps,
  ]
}

async function drawFronts({ sizes, seed, points }: Comparison): Promise<void> {
  const axes = ['lateness, tier-weighted hours', 'cost, price units', 'energy, kWh'] as const
  const methods = [
    { name: 'greedy rules', of: points.greedy, size: 8, symbol: 'triangle' as const },
    { name: 'sweep of weights', of: points.sweep, size: 6, symbol: 'rect' as const },
    { name: 'weighted descent', of: points.descent, size: 5 },
    { name: 'memetic NSGA-II', of: points.engine, size: 5 },
  ]
  for (const [x, y] of [
    [1, 2],
    [1, 0],
    [2, 0],
  ] as const) {
    const unit = (k: number, value: number) => (k === 2 ? value / 1000 : value)
    const series = methods.map(({ of, ...shown }): PlotSeries => {
      return { ...shown, points: of.map((values) => [unit(x, values[x]!), unit(y, values[y]!)] as const) }
    })
    const names = ['lateness', 'cost', 'energy']
    await writePlot(`placement-${sizes.nodes}x${sizes.tasks}-${names[x]}-${names[y]}`, {
      title: `${sizes.tasks} tasks on ${sizes.nodes} nodes: ${names[x]} and ${names[y]}`,
      subtitle: `fronts over three objectives, equal CPU time, seed ${seed}`,
      x: { label: axes[x] },
      y: { label: axes[y] },
      series,
    })
  }
}

/** All points of all methods, for who wants to draw or measure them otherwise. */
async function keepFronts(comparisons: readonly Comparison[]): Promise<void> {
  const folder = join(import.meta.dirname, 'results')
  await mkdir(folder, { recursive: true })
  const plain = comparisons.map(({ points, ...rest }) => ({
    ...rest,
    points: Object.fromEntries(Object.entries(points).map(([method, of]) => [method, of.map((values) => [...values])])),
  }))
  await writeFile(join(folder, 'placement-fronts.json'), JSON.stringify(plain))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
