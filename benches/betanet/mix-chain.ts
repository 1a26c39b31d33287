import { Histogram } from '@fog/betanet'
import type { SuiteName } from '@fog/betanet/node'
import { suites } from '@fog/betanet/sphinx'
import type { DhKeyPair } from '@fog/kernel'
import { noiseSuite, systemRng } from '@fog/kernel/node'
import type { GeneratorReport } from './generator.ts'
import { multiplicationCpuUs } from './multiplication.ts'
import { BenchProcess, type MixFigures, type MixReport } from './processes.ts'
import type { SinkReport } from './sink.ts'

/** Packets through one or more mix nodes, each a process, between a generator and a sink. */
export interface Chain {
  readonly hops: number
  /** Of each node. */
  readonly threads: number
  readonly suite: SuiteName
  /** Whether nodes hand packets to each other as datagrams; generator and sink speak over links. */
  readonly datagrams: boolean
  readonly meanMs: number
  readonly perSecond: number
  readonly seconds: number
}

export interface ChainRun {
  readonly chain: Chain
  readonly sent: number
  readonly lost: number
  /** First sent to last received. */
  readonly tookMs: number
  /** Of packets that arrived. */
  readonly latenciesMs: readonly number[]
  readonly nodes: readonly NodeRun[]
  readonly multiplicationUs: number
}

export interface NodeRun {
  /** User and system time of the whole process, for each packet. */
  readonly cpuUs: number
  readonly rssMiB: number
  readonly drops: string
  readonly times: Readonly<Record<'queueing' | 'service' | 'slack', Histogram>>
}

type Sent = Extract<GeneratorReport, { type: 'sent' }>
type Verified = Extract<SinkReport, { type: 'verified' }>

const WARM_UP_SECONDS = 2
const HOST = '127.0.0.1'
const TAGS = 30_000_000

/** A process of the bench and its keys. */
export interface Node {
  readonly process: BenchProcess
  readonly id: Uint8Array
  readonly link: DhKeyPair
  readonly sphinx: DhKeyPair
  ports: readonly number[]
}

/** One run: packets are built beforehand, sent open-loop, kept by the sink, and unwrapped and checked afterwards. */
export async function runChain(chain: Chain): Promise<ChainRun> {
  const mixes = Array.from({ length: chain.hops }, () => makeNode('mix-process.ts'))
  const [sink, generator] = [makeNode('sink-process.ts'), makeNode('generator-process.ts')]
  try {
    const [warmUp, count] = [chain.perSecond * WARM_UP_SECONDS, chain.perSecond * chain.seconds]
    await startAll(chain, mixes, sink, generator, warmUp + count)
    const ask = <Answer>(order: object) => generator.process.ask<Answer>(order)
    await ask({ type: 'build', suite: chain.suite, path: pathOf(mixes, sink), count: warmUp + count })
    await ask({ type: 'connect', ports: mixes[0]!.ports, own: generator.link, remote: mixes[0]!.link.publicKey })
    await ask<Sent>({ type: 'send', packets: warmUp, perSecond: chain.perSecond })
    await sink.process.ask({ type: 'await', packets: warmUp, mostMs: 10_000 })

    const multiplicationUs = multiplicationCpuUs()
    const before = await figuresOf(mixes)
    const sent = await ask<Sent>({ type: 'send', packets: count, perSecond: chain.perSecond })
    await sink.process.ask({ type: 'await', packets: warmUp + count, mostMs: 10_000 })
    const after = await figuresOf(mixes)
    const secretKey = sink.sphinx.secretKey
    const verified = await sink.process.ask<Verified>({ type: 'verify', secretKey, count: warmUp + count })
    return { chain, multiplicationUs, ...arrivalsOf(sent, verified, count), nodes: nodeRuns(before, after, count) }
  } finally {
    await Promise.all([...mixes, sink, generator].map((each) => each.process.stop()))
  }
}

export function makeNode(file: 'mix-process.ts' | 'sink-process.ts' | 'generator-process.ts'): Node {
  const noise = noiseSuite()
  return {
    process: new BenchProcess(file),
    id: systemRng.bytes(32),
    link: noise.makeKeyPair(),
    sphinx: noise.makeKeyPair(),
    ports: [1],
  }
}

/** Starts the mixes and the sink, and tells all mixes of each other. */
export async function startAll(
  {
    suite,
    datagrams,
    threads,
    meanMs,
    tags = TAGS,
  }: Omit<Chain, 'perSecond' | 'seconds' | 'hops'> & { readonly tags?: number },
  mixes: readonly Node[],
  sink: Node,
  generator: Node,
  most: number,
): Promise<void> {
  for (const mix of mixes) {
    const order = { type: 'start', suite, datagrams, threads, linkKeys: mix.link }
    mix.ports = (await mix.process.ask<Extract<MixReport, { type: 'listening' }>>(order)).ports
  }
  const started = { type: 'start', suite, linkKeys: sink.link, most: most + 1000 }
  sink.ports = [(await sink.process.ask<Extract<SinkReport, { type: 'listening' }>>(started)).port]
  const neighbours = [...mixes, sink, generator].map(({ id, link, ports }) => ({
    nodeId: id,
    linkKey: link.publicKey,
    host: HOST,
    ports,
    datagrams: datagrams && ports !== sink.ports && ports !== generator.ports,
  }))
  for (const mix of mixes) {
    await mix.process.ask({
      type: 'run',
      neighbours,
      sphinxSecretKey: mix.sphinx.secretKey,
      delayOutput: systemRng.bytes(64),
      meanSteps: meanMs * 10,
      tags,
    })
  }
}

function pathOf(mixes: readonly Node[], sink: Node) {
  const hops = mixes.map(({ id, sphinx }) => ({ id, publicKey: sphinx.publicKey }))
  return [...hops, { id: sink.id, publicKey: sink.sphinx.publicKey, recipient: systemRng.bytes(32) }]
}

function figuresOf(mixes: readonly Node[]): Promise<MixFigures[]> {
  return Promise.all(mixes.map((mix) => mix.process.ask<MixFigures>({ type: 'figures' })))
}

function arrivalsOf(sent: Sent, verified: Verified, count: number) {
  const arrived = verified.arrivedAt.subarray(sent.first, sent.first + count)
  const latenciesMs = [...arrived].flatMap((at, i) => (at === 0 ? [] : [at - sent.sentAt[i]!]))
  const lastAt = arrived.reduce((most, at) => Math.max(most, at), 0)
  const lost = count - latenciesMs.length + verified.broken
  return { sent: count, lost, tookMs: lastAt - sent.sentAt[0]!, latenciesMs }
}

function nodeRuns(before: readonly MixFigures[], after: readonly MixFigures[], count: number): NodeRun[] {
  return after.map((then, node) => {
    const earlier = before[node]!
    const time = (name: 'queueing' | 'service' | 'slack') =>
      new Histogram(then.stats.times[name].map((each, i) => each - earlier.stats.times[name][i]!))
    const drops = Object.entries(then.stats.drops).filter(([, dropped]) => dropped > 0)
    return {
      cpuUs: (then.cpuMicroseconds - earlier.cpuMicroseconds) / count,
      rssMiB: then.rss / 2 ** 20,
      drops: drops.map(([why, dropped]) => `${why} ${dropped}`).join(', ') || 'none',
      times: { queueing: time('queueing'), service: time('service'), slack: time('slack') },
    }
  })
}

/** A packet's size in words. */
export function sizeText({ suite }: Chain): string {
  return `${suites[suite].geometry.packetBytes} B`
}
