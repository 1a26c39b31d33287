import { seededRng } from '@fog/kernel'
import { hypervolume, invertedGenerationalDistance, nsga2, type Problem } from '@fog/scheduler/nsga2'
import { knapsack, singleMachine } from '@fog/scheduler/nsga2/testing'
import type { Figure } from './figure.ts'
import { cpuSecondsOf } from './nsga2/cpu.ts'
import { mannWhitneyLess, signedRankLess } from './nsga2/no-worse.ts'
import { type Trial, TRIALS } from './nsga2/problems.ts'
import { sorting } from './nsga2/sorting.ts'
import { type PlotSeries, writePlot } from './plot.ts'

const SEEDS = 31
const POPULATION = 100
const EVALUATIONS = 25_000
const MOST_CPU_SECONDS = 0.4
/** Below this p a run of figures is worse than its bar. */
const SIGNIFICANCE = 0.01

/** The engine on the usual test problems, and the time it takes to sort. */
export async function nsga2Bench(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const trial of TRIALS) figures.push(...(await figuresOf(trial)))
  const [orders, choices] = [singleMachine(50, 1), knapsack(250, 1)]
  figures.push(await discrete(orders, [smithAlone(orders) * 1.5, 12 * 50]), await discrete(choices, [9000, 9000]))
  return [...figures, ...sorting()]
}

async function figuresOf({ problem, reference, bar, truth }: Trial): Promise<Figure[]> {
  const width = problem.objectiveCount
  const runs = Array.from({ length: SEEDS }, (_, i) => run(problem, reference, i + 1))
  const volumes = runs.map(({ volume }) => volume)
  const middle = runs.toSorted((a, b) => a.volume - b.volume)[Math.floor(SEEDS / 2)]!
  await draw(
    problem.name,
    width,
    middle.objectives,
    truth,
    `seed ${middle.seed}, hypervolume ${middle.volume.toFixed(5)}`,
  )
  const igds = truth ? runs.map(({ objectives }) => invertedGenerationalDistance(objectives, width, truth)) : []
  const settings = `population ${POPULATION}, ${EVALUATIONS} evaluations, seeds 1 to ${SEEDS}`
  const against = `reference ${reference.join(' ')}`
  const name = width === 2 ? problem.name : `${problem.name}, ${width} objectives`
  return [
    {
      name: `${name}: hypervolume, median`,
      value: quantile(volumes, 0.5),
      unit: '',
      method: `${spreadOf(volumes)}; ${settings}, ${against}${bar === undefined ? '' : `; bar ${bar}`}`,
    },
    ...(bar === undefined ? [] : [noWorse(name, volumes, bar)]),
    ...(igds.length === 0
      ? []
      : [{ name: `${name}: IGD, median`, value: quantile(igds, 0.5), unit: '', method: spreadOf(igds) }]),
    {
      name: `${name}: CPU a run, median`,
      value: quantile(
        runs.map(({ seconds }) => seconds),
        0.5,
      ),
      unit: 's CPU',
      bar: { atMost: MOST_CPU_SECONDS },
      method: `process.cpuUsage, all threads; ${spreadOf(
        runs.map(({ seconds }) => seconds),
        3,
      )}`,
    },
  ]
}

function noWorse(name: string, volumes: readonly number[], bar: number): Figure {
  const below = volumes.filter((volume) => volume < bar).length
  const signed = signedRankLess(volumes, bar).toPrecision(3)
  return {
    name: `${name}: p, no worse than ${bar}`,
    value: mannWhitneyLess(volumes, bar),
    unit: 'p',
    bar: { atLeast: SIGNIFICANCE },
    method: `Mann-Whitney U, less, against ${SEEDS} copies of the bar; signed-rank, less: ${signed}; ${below} of ${SEEDS} below`,
  }
}

interface Run {
  readonly seed: number
  readonly objectives: Float64Array
  readonly volume: number
  readonly seconds: number
}

function run<Genome>(problem: Problem<Genome>, reference: readonly number[], seed: number): Run {
  let objectives = new Float64Array(0)
  const seconds = cpuSecondsOf(() => {
    const found = nsga2(problem, { rng: seededRng(seed), population: POPULATION, evaluations: EVALUATIONS })
    objectives = found.violations.some((violation) => violation > 0) ? objectives : Float64Array.from(found.objectives)
  })
  return { seed, objectives, volume: hypervolume(objectives, reference), seconds }
}

/** Orders and choices have no bar: their share of the reference box shows whether a change made them better or worse. */
async function discrete<Genome>(
  problem: Problem<Genome> & { readonly name: string },
  reference: readonly number[],
): Promise<Figure> {
  const box = reference.reduce((product, side) => product * side, 1)
  const runs = Array.from({ length: SEEDS }, (_, i) => run(problem, reference, i + 1))
  const shares = runs.map(({ volume }) => volume / box)
  await draw(problem.name, 2, runs[0]!.objectives, undefined, 'seed 1')
  const method = `${spreadOf(shares)}; of the box up to ${reference.join(' x ')}, seeds 1 to ${SEEDS}`
  return { name: `${problem.name}: share of the box, median`, value: quantile(shares, 0.5), unit: '', method }
}

function smithAlone({ evaluate, smith }: ReturnType<typeof singleMachine>): number {
  const row = new Float64Array(2)
  evaluate(smith, row)
  return row[0]!
}

function draw(name: string, width: number, found: Float64Array, truth: Float64Array | undefined, subtitle: string) {
  const from = (points: Float64Array): [number, number][] =>
    Array.from({ length: points.length / width }, (_, i) => [points[i * width]!, points[i * width + 1]!])
  const series: PlotSeries[] = [
    { name: 'found', points: from(found), size: 8 },
    ...(truth ? [{ name: 'true front', points: from(truth), size: 1.5 }] : []),
  ]
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const axes = { x: { label: 'first objective' }, y: { label: 'second objective' } }
  return writePlot(`nsga2-${slug}`, { title: name, subtitle, ...axes, series })
}

function spreadOf(values: readonly number[], digits = 5): string {
  const [low, high] = [quantile(values, 0.25), quantile(values, 0.75)]
  const middle = quantile(values, 0.5).toFixed(digits)
  return `${middle}, IQR ${(high - low).toFixed(digits)}, from ${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`
}

/** By linear interpolation, as usual for quartiles. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low + (at - Math.floor(at)) * (high - low)
}
