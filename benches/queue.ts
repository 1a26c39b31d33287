import {
  boundedSlowdown,
  EASY,
  type Fared,
  fared,
  faredByWidth,
  FOG,
  POLICIES,
  type Policy,
  type RanJob,
  resample,
  simulate,
  type Trace,
} from '@fog/scheduler/queueing'
import type { Figure } from './figure.ts'
import { writePlot } from './plot.ts'
import { readKthSp2 } from './queue/kth-sp2.ts'

/** The longest anyone waited under EASY on this trace, and the mean to beat. */
const BARS = { meanSlowdown: 67, longestWaitSeconds: 262_194 }
/** What EASY's figures are known to be on this trace: how we know that the simulation is right. */
const KNOWN: Readonly<Record<string, number>> = { FCFS: 7519, EASY: 89.4, 'EASY shortest-first': 71.3 }
const RESAMPLED = 12

/**
 * Batch policies on the jobs of KTH-SP2, 100 processors, with what users asked for as estimates: one event after the other,
 * nothing drawn. Bounded slowdown counts runs below 10 s as 10 s.
 */
export async function queue(): Promise<Figure[]> {
  const trace = readKthSp2()
  const results = POLICIES.map((policy) => ({ policy, ...timed(() => simulate(trace, policy)) }))
  await drawPlots(results)
  return [
    ...results.flatMap(({ policy, ran, seconds }) => figuresOf(policy, trace, ran, seconds)),
    ...onResampled(trace),
  ]
}

interface Result {
  readonly policy: Policy
  readonly ran: readonly RanJob[]
}

function timed(run: () => RanJob[]): { ran: RanJob[]; seconds: number } {
  const startedAt = performance.now()
  const ran = run()
  return { ran, seconds: (performance.now() - startedAt) / 1000 }
}

function figuresOf({ name, rule }: Policy, trace: Trace, ran: readonly RanJob[], seconds: number): Figure[] {
  const isOurs = name === FOG.name
  const method = `${ran.length} jobs, ${trace.processors} processors. ${rule}`
  const known = KNOWN[name] === undefined ? '' : `; known to be ${KNOWN[name]}`
  const whole = fared(ran)
  return [
    {
      name: `${name}: bounded slowdown, mean`,
      value: whole.boundedSlowdown.mean,
      unit: '',
      ...(isOurs && { bar: { atMost: BARS.meanSlowdown } }),
      method: `${method}${known}`,
    },
    {
      name: `${name}: wait, longest`,
      value: whole.waitSeconds.max,
      unit: 's',
      ...(isOurs && { bar: { atMost: BARS.longestWaitSeconds } }),
      method: 'of all jobs',
    },
    ...spreadFigures(name, 'all jobs', whole),
    ...faredByWidth(ran).flatMap(({ width, fared: ofWidth }) => [
      {
        name: `${name}: slowdown, mean, ${width} wide`,
        value: ofWidth.boundedSlowdown.mean,
        unit: '',
        method: `${ofWidth.jobs} jobs`,
      },
      ...spreadFigures(name, `${width} wide`, ofWidth),
      {
        name: `${name}: wait, longest, ${width} wide`,
        value: ofWidth.waitSeconds.max,
        unit: 's',
        method: `${ofWidth.jobs} jobs`,
      },
    ]),
    { name: `${name}: simulated in`, value: seconds, unit: 's', method: 'one thread' },
  ]
}

function spreadFigures(name: string, which: string, { jobs, boundedSlowdown: slowdown, waitSeconds }: Fared): Figure[] {
  const method = `${which}: ${jobs}`
  return [
    { name: `${name}: slowdown, p99, ${which}`, value: slowdown.p99, unit: '', method },
    { name: `${name}: slowdown, worst, ${which}`, value: slowdown.max, unit: '', method },
    { name: `${name}: wait, mean, ${which}`, value: waitSeconds.mean, unit: 's', method },
    { name: `${name}: wait, p99, ${which}`, value: waitSeconds.p99, unit: 's', method },
  ]
}

/** Ours against EASY on other histories of the same machine: whether it fits the one history only. */
function onResampled(trace: Trace): Figure[] {
  const ratios = Array.from({ length: RESAMPLED }, (_, seed) => {
    const other = resample(trace, seed)
    const [ours, easy] = [fared(simulate(other, FOG)), fared(simulate(other, EASY))]
    return {
      mean: ours.boundedSlowdown.mean / easy.boundedSlowdown.mean,
      longest: ours.waitSeconds.max / easy.waitSeconds.max,
    }
  })
  const method = `${RESAMPLED} histories of weeks drawn anew from the trace, load 0.94 to 1.06 of it, seeds 0 to ${RESAMPLED - 1}; ours over EASY's`
  const kinds = [
    ['mean slowdown', ratios.map(({ mean }) => mean)],
    ['longest wait', ratios.map(({ longest }) => longest)],
  ] as const
  return kinds.flatMap(([name, values]) => [
    {
      name: `resampled: ${name} over EASY's, typical`,
      value: geometricMean(values),
      unit: '',
      method: `geometric mean; ${method}`,
    },
    { name: `resampled: ${name} over EASY's, worst`, value: Math.max(...values), unit: '', method },
  ])
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}

async function drawPlots(results: readonly Result[]): Promise<void> {
  const subtitle = 'KTH-SP2, 28,475 jobs, 100 processors, estimates as asked'
  await writePlot('queue-policies', {
    title: 'Mean bounded slowdown and longest wait',
    subtitle,
    x: { label: 'mean bounded slowdown', scale: 'log' },
    y: { label: 'longest wait, hours', scale: 'log' },
    series: results.map(({ policy, ran }) => {
      const { boundedSlowdown: slowdown, waitSeconds } = fared(ran)
      const isOurs = policy.name === FOG.name
      return { name: policy.name, points: [[slowdown.mean, waitSeconds.max / 3600]], size: isOurs ? 14 : 9 }
    }),
    bars: [
      { name: 'at most 67', x: BARS.meanSlowdown },
      { name: "EASY's longest", y: BARS.longestWaitSeconds / 3600 },
    ],
  })
  await writePlot('queue-slowdown', {
    title: 'Jobs that fare worse than so much',
    subtitle,
    x: { label: 'bounded slowdown', scale: 'log' },
    y: { label: 'share of jobs above it', scale: 'log' },
    series: results.map(({ policy, ran }) => ({ name: policy.name, as: 'line', points: exceedance(ran) })),
  })
}

/** For each of the upper percentiles the slowdown that so many jobs exceed. */
function exceedance(ran: readonly RanJob[]): (readonly [number, number])[] {
  const sorted = ran.map(boundedSlowdown).sort((a, b) => b - a)
  const shares = Array.from({ length: 60 }, (_, i) => 10 ** (-i / 20))
  return shares.map((share) => [sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!, share])
}
