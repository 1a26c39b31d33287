import { Histogram } from '@fog/betanet'
import { type DhKeyPair } from '@fog/kernel'
import { noiseSuite, systemRng } from '@fog/kernel/node'
import type { Figure } from '../figure.ts'
import { writePlot } from '../plot.ts'
import { quantile } from '../yardstick.ts'
import type { GeneratorReport } from './generator.ts'
import { makeNode, type Node, startAll } from './mix-chain.ts'
import { multiplicationCpuUs } from './multiplication.ts'
import type { MixFigures, OrderedEpoch } from './processes.ts'
import type { SinkReport } from './sink.ts'

type Built = Extract<GeneratorReport, { type: 'built' }>
type Sent = Extract<GeneratorReport, { type: 'sent' }>
type Tallied = Extract<SinkReport, { type: 'tallied' }>

const EPOCH_SECONDS = 20
/** Replay filters of 16 MiB each: so large beside the packets of an epoch that none is taken for seen. */
const TAGS = 3_000_000
const SETUP = { threads: 2, suite: 'betanetKemX25519', datagrams: false, meanMs: 20, tags: TAGS } as const
/** Filters of past epochs and code being compiled come and go. */
const MOST_GROWTH_MIB = 32
/** Medians of the last third against the first. */
const MOST_QUEUEING_RATIO = 1.25

/** What happened in one epoch. */
interface Turn {
  readonly packets: number
  readonly rssMiB: number
  readonly cpuUs: number
  readonly held: number
  readonly queueing: Histogram
  readonly service: Histogram
  readonly lateMs: number
}

/**
 * One mix node of two threads under a steady load for long, epoch after epoch: each has its own key and replay filter. Packets are
 * built beforehand, one stock for even and one for odd epochs, and sent again in the next epoch of their parity, when the
 * node has forgotten them. The sink knows every byte of every packet that has to come, and looks that each comes once an epoch.
 */
export async function soak({
  perSecond,
  minutes,
}: {
  readonly perSecond: number
  readonly minutes: number
}): Promise<Figure[]> {
  const [mix, sink, generator] = [
    makeNode('mix-process.ts'),
    makeNode('sink-process.ts'),
    makeNode('generator-process.ts'),
  ]
  const keys = [mix.sphinx, noiseSuite().makeKeyPair()] as const
  const turns = Math.max(3, Math.round((minutes * 60) / EPOCH_SECONDS))
  const count = perSecond * EPOCH_SECONDS
  try {
    await startAll(SETUP, [mix], sink, generator, 1)
    await buildStocks({ mix, sink, generator }, keys, count)
    const ask = { type: 'connect', ports: mix.ports, own: generator.link, remote: mix.link.publicKey }
    await generator.process.ask(ask)
    const multiplicationUs = multiplicationCpuUs()
    const run = await runTurns({ mix, sink, generator }, keys, { turns, perSecond, count })
    return await figuresOf(run, { turns, perSecond, multiplicationUs })
  } finally {
    await Promise.all([mix, sink, generator].map((each) => each.process.stop()))
  }
}

interface Processes {
  readonly mix: Node
  readonly sink: Node
  readonly generator: Node
}

type KeysByParity = readonly [DhKeyPair, DhKeyPair]

async function buildStocks({ mix, sink, generator }: Processes, keys: KeysByParity, count: number): Promise<void> {
  for (const epochParity of [0, 1] as const) {
    const { publicKey, secretKey } = keys[epochParity]
    const path = [
      { id: mix.id, publicKey },
      { id: sink.id, publicKey: sink.sphinx.publicKey, recipient: systemRng.bytes(32) },
    ]
    const order = { type: 'build', suite: SETUP.suite, path, count, epochParity, firstHopKey: secretKey }
    const { prints } = await generator.process.ask<Built>(order)
    await sink.process.ask({ type: 'expect', prints })
  }
}

interface Run {
  readonly turns: readonly Turn[]
  readonly drops: string
  readonly missing: number
  readonly repeated: number
  readonly unknown: number
  readonly tookMs: number
}

async function runTurns(
  { mix, sink, generator }: Processes,
  keys: KeysByParity,
  { turns, perSecond, count }: { readonly turns: number; readonly perSecond: number; readonly count: number },
): Promise<Run> {
  const secretsOf = (epoch: number): OrderedEpoch => ({
    epoch,
    sphinxSecretKey: keys[epoch % 2]!.secretKey,
    delayOutput: systemRng.bytes(64),
    meanSteps: SETUP.meanMs * 10,
    tags: SETUP.tags,
  })
  const live = (...epochs: number[]) => mix.process.ask({ type: 'epochs', epochs: epochs.map(secretsOf) })
  const figures = () => mix.process.ask<MixFigures>({ type: 'figures' })
  const tallies: Tallied[] = []
  const tally = async (turn: number) => {
    const from = (turn % 2) * count
    tallies.push(await sink.process.ask<Tallied>({ type: 'tally', from, until: from + count }))
  }
  const done: Turn[] = []
  const startedAt = Date.now()
  let before = await figures()
  for (let turn = 0; turn < turns; turn++) {
    if (turn === 0) await live(0, 1)
    const sending = generator.process.ask<Sent>({ type: 'send_stock', parity: (turn % 2) as 0 | 1, perSecond })
    await halfAnEpoch()
    // All of the last epoch has come or is lost; its key makes room for the next.
    if (turn > 0) await tally(turn - 1)
    await live(turn, turn + 1)
    const sent = await sending
    const after = await figures()
    done.push(turnOf(before, after, count, sent))
    before = after
  }
  const tookMs = Date.now() - startedAt
  await halfAnEpoch()
  await tally(turns - 1)
  const sum = (of: (each: Tallied) => number) => tallies.reduce((total, each) => total + of(each), 0)
  const dropped = Object.entries(before.stats.drops).filter(([, packets]) => packets > 0)
  return {
    turns: done,
    drops: dropped.map(([why, packets]) => `${why} ${packets}`).join(', ') || 'none',
    missing: sum(({ missing }) => missing),
    repeated: sum(({ repeated }) => repeated),
    unknown: tallies.at(-1)!.unknown,
    tookMs,
  }
}

function halfAnEpoch(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, (EPOCH_SECONDS * 1000) / 2))
}

function turnOf(before: MixFigures, after: MixFigures, packets: number, sent: Sent): Turn {
  const time = (name: 'queueing' | 'service') =>
    new Histogram(after.stats.times[name].map((each, i) => each - before.stats.times[name][i]!))
  return {
    packets,
    rssMiB: after.rss / 2 ** 20,
    cpuUs: (after.cpuMicroseconds - before.cpuMicroseconds) / packets,
    held: after.stats.counts.held,
    queueing: time('queueing'),
    service: time('service'),
    lateMs: sent.tookMs - EPOCH_SECONDS * 1000,
  }
}

async function figuresOf(
  run: Run,
  {
    turns,
    perSecond,
    multiplicationUs,
  }: { readonly turns: number; readonly perSecond: number; readonly multiplicationUs: number },
): Promise<Figure[]> {
  const third = Math.floor(turns / 3)
  const [first, last] = [run.turns.slice(0, third), run.turns.slice(-third)]
  const medianOf = (some: readonly Turn[], of: (turn: Turn) => number) => quantile(some.map(of), 0.5)
  const growth = (of: (turn: Turn) => number) => ({ from: medianOf(first, of), to: medianOf(last, of) })
  const memory = growth(({ rssMiB }) => rssMiB)
  const queueing = growth(({ queueing: q }) => q.quantile(0.5) ?? 0)
  const queueing99 = growth(({ queueing: q }) => q.quantile(0.99) ?? 0)
  const service99 = growth(({ service }) => service.quantile(0.99) ?? 0)
  const cpu = medianOf(run.turns, ({ cpuUs }) => cpuUs)
  const packets = run.turns.reduce((sum, turn) => sum + turn.packets, 0)
  const lateMs = Math.max(...run.turns.map((turn) => turn.lateMs))
  await plot(run)
  return [
    {
      name: `one mix node at ${perSecond}/s for ${(run.tookMs / 60_000).toFixed(1)} min`,
      value: (packets * 1000) / run.tookMs,
      unit: '1/s',
      method: `${turns} epochs of ${EPOCH_SECONDS} s, a new key and replay filter each; 2 threads, mean delay ${SETUP.meanMs} ms; an epoch's packets took at most ${lateMs.toFixed(0)} ms longer to send`,
    },
    {
      name: '  lost',
      value: run.missing,
      unit: 'packets',
      bar: { atMost: 0 },
      method: `of ${packets}, each compared with what has to come, every byte; drops: ${run.drops}`,
    },
    {
      name: '  repeated or unknown',
      value: run.repeated + run.unknown,
      unit: 'packets',
      bar: { atMost: 0 },
      method: 'came twice in an epoch, or were never sent',
    },
    {
      name: '  growth of memory',
      value: memory.to - memory.from,
      unit: 'MiB',
      bar: { atMost: MOST_GROWTH_MIB },
      method: `median resident of the first third ${memory.from.toFixed(0)} MiB, of the last ${memory.to.toFixed(0)}; with three replay filters of 16 MiB`,
    },
    {
      name: '  growth of queueing p50',
      value: queueing.to / queueing.from,
      unit: 'x',
      bar: { atMost: MOST_QUEUEING_RATIO },
      method: `${queueing.from.toFixed(0)} us in the first third, ${queueing.to.toFixed(0)} in the last; p99 ${queueing99.from.toFixed(0)} and ${queueing99.to.toFixed(0)}`,
    },
    {
      name: '  service p99',
      value: service99.to,
      unit: 'us',
      method: `in the last third; ${service99.from.toFixed(0)} in the first`,
    },
    {
      name: '  CPU of the node, a packet',
      value: cpu,
      unit: 'us',
      method: `${(cpu / multiplicationUs).toFixed(2)} X25519 multiplications of ${multiplicationUs.toFixed(1)} us, measured before`,
    },
  ]
}

async function plot({ turns }: Run): Promise<void> {
  const minute = (turn: number) => ((turn + 1) * EPOCH_SECONDS) / 60
  const line = (name: string, of: (turn: Turn) => number) => ({
    name,
    as: 'line' as const,
    points: turns.map((turn, i) => [minute(i), of(turn)] as const),
  })
  await writePlot('soak-times', {
    title: 'A mix node under a steady load',
    x: { label: 'minutes' },
    y: { label: 'microseconds', scale: 'log' },
    series: [
      line('queueing p50', ({ queueing }) => queueing.quantile(0.5) ?? 1),
      line('queueing p99', ({ queueing }) => queueing.quantile(0.99) ?? 1),
      line('service p50', ({ service }) => service.quantile(0.5) ?? 1),
      line('service p99', ({ service }) => service.quantile(0.99) ?? 1),
      line('CPU a packet', ({ cpuUs }) => cpuUs),
    ],
  })
  await writePlot('soak-memory', {
    title: 'Memory of a mix node under a steady load',
    x: { label: 'minutes' },
    y: { label: 'MiB resident', least: 0 },
    series: [line('resident', ({ rssMiB }) => rssMiB)],
  })
}
