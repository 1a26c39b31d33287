import { Histogram } from '@fog/betanet'
import { x25519, X25519_BYTES, noiseSuite, systemRng } from '@fog/kernel/node'
import type { Figure } from '../figure.ts'
import { quantile } from '../yardstick.ts'
import type { GeneratorReport } from './generator.ts'
import { BenchProcess, type MixFigures, type MixReport } from './processes.ts'
import type { SinkReport } from './sink.ts'

const THREADS = 2
const MEAN_MS = 20
const WARM_UP_SECONDS = 2

type Sent = Extract<GeneratorReport, { type: 'sent' }>
type Verified = Extract<SinkReport, { type: 'verified' }>

/**
 * Part (b): one mix node of two threads in a process of its own, between an open-loop generator with packets built beforehand
 * and a sink that keeps every packet and unwraps and checks each after the run. All share the machine's cores, so the node's
 * own CPU time per packet is the firm figure.
 */
export async function mixNode({ perSecond, seconds }: { perSecond: number; seconds: number }): Promise<Figure[]> {
  const noise = noiseSuite()
  const [mix, sink, generator] = ['mix-process.ts', 'sink-process.ts', 'generator-process.ts'].map(
    (file) => new BenchProcess(file),
  ) as [BenchProcess, BenchProcess, BenchProcess]
  try {
    const keys = { mix: noise.makeKeyPair(), sink: noise.makeKeyPair(), generator: noise.makeKeyPair() }
    const sphinx = { mix: noise.makeKeyPair(), sink: noise.makeKeyPair() }
    const ids = { mix: systemRng.bytes(32), sink: systemRng.bytes(32), generator: systemRng.bytes(32) }
    const [warmUp, count] = [perSecond * WARM_UP_SECONDS, perSecond * seconds]
    const total = warmUp + count
    const { ports } = await mix.ask<Extract<MixReport, { type: 'listening' }>>({
      type: 'start',
      threads: THREADS,
      linkKeys: keys.mix,
    })
    const { port } = await sink.ask<Extract<SinkReport, { type: 'listening' }>>({
      type: 'start',
      linkKeys: keys.sink,
      most: total + 1000,
    })
    const host = '127.0.0.1'
    await mix.ask({
      type: 'run',
      neighbours: [
        { nodeId: ids.sink, linkKey: keys.sink.publicKey, host, ports: [port] },
        { nodeId: ids.generator, linkKey: keys.generator.publicKey, host, ports: [1] },
      ],
      sphinxSecretKey: sphinx.mix.secretKey,
      delayOutput: systemRng.bytes(64),
      meanSteps: MEAN_MS * 10,
      tags: 30_000_000,
    })
    const path = [
      { id: ids.mix, publicKey: sphinx.mix.publicKey },
      { id: ids.sink, publicKey: sphinx.sink.publicKey, recipient: systemRng.bytes(32) },
    ]
    await generator.ask({ type: 'build', path, count: total })
    await generator.ask({ type: 'connect', ports, own: keys.generator, remote: keys.mix.publicKey })
    await generator.ask<Sent>({ type: 'send', packets: warmUp, perSecond })
    await sink.ask({ type: 'await', packets: warmUp, mostMs: 5000 })

    const multiplicationUs = multiplicationCpuUs()
    const before = await mix.ask<MixFigures>({ type: 'figures' })
    const sent = await generator.ask<Sent>({ type: 'send', packets: count, perSecond })
    await sink.ask({ type: 'await', packets: total, mostMs: 5000 })
    const after = await mix.ask<MixFigures>({ type: 'figures' })
    const verified = await sink.ask<Verified>({ type: 'verify', secretKey: sphinx.sink.secretKey, count: total })
    return figures({ perSecond, seconds, count, before, after, sent, verified, multiplicationUs })
  } finally {
    await Promise.all([mix, sink, generator].map((each) => each.stop()))
  }
}

function figures({
  perSecond,
  seconds,
  count,
  before,
  after,
  sent,
  verified,
  multiplicationUs,
}: {
  readonly perSecond: number
  readonly seconds: number
  readonly count: number
  readonly before: MixFigures
  readonly after: MixFigures
  readonly sent: Sent
  readonly verified: Verified
  readonly multiplicationUs: number
}): Figure[] {
  const arrived = verified.arrivedAt.subarray(sent.first, sent.first + count)
  const latencies = [...arrived].flatMap((at, i) => (at === 0 ? [] : [at - sent.sentAt[i]!]))
  const lost = count - latencies.length + verified.broken
  const lastAt = arrived.reduce((most, at) => Math.max(most, at), 0)
  const tookMs = lastAt - sent.sentAt[0]!
  const cpuUs = (after.cpuMicroseconds - before.cpuMicroseconds) / count
  const time = (name: 'queueing' | 'service' | 'slack', share: number) => {
    const counts = after.stats.times[name].map((each, i) => each - before.stats.times[name][i]!)
    return new Histogram(counts).quantile(share) ?? Number.NaN
  }
  const drops = Object.entries(after.stats.drops).filter(([, dropped]) => dropped > 0)
  const at = `${perSecond}/s offered for ${seconds} s over 2 links, ${THREADS} threads, mean delay ${MEAN_MS} ms`
  const spread = (name: 'queueing' | 'service' | 'slack', method: string): Figure[] =>
    [0.5, 0.99, 0.999].map((share) => ({
      name: `  ${name} p${share * 100}`,
      value: time(name, share),
      unit: 'us',
      ...(name === 'service' && share === 0.99 ? { bar: { atMost: 1000 } } : {}),
      method,
    }))
  return [
    {
      name: `one mix node at ${perSecond}/s`,
      value: ((count - lost) * 1000) / tookMs,
      unit: '1/s',
      method: `${at}; first sent to last received`,
    },
    {
      name: '  lost',
      value: lost,
      unit: 'packets',
      bar: { atMost: 0 },
      method: `of ${count}, each unwrapped and checked; drops: ${drops.map(([why, n]) => `${why} ${n}`).join(', ') || 'none'}`,
    },
    {
      name: '  CPU of the node, a packet',
      value: cpuUs,
      unit: 'us',
      method: 'user and system of the whole process: links, unwrapping, waiting',
    },
    {
      name: '  to one X25519 multiplication',
      value: cpuUs / multiplicationUs,
      unit: 'x',
      bar: { atMost: 1.6 },
      method: `${multiplicationUs.toFixed(1)} us each in the same run`,
    },
    {
      name: '  implied for a node alone on two cores',
      value: 2e6 / cpuUs,
      unit: '1/s',
      bar: { atLeast: 25_000 },
      method: 'two core-seconds over its CPU a packet',
    },
    ...spread('service', 'unwrap, replay check, into its slot'),
    ...spread('queueing', 'from bytes read to begun, an upper bound'),
    ...spread('slack', 'past the time it was due'),
    {
      name: '  end to end p50',
      value: quantile(latencies, 0.5),
      unit: 'ms',
      method: 'sampled delay and all else, generator to sink',
    },
    { name: '  end to end p99', value: quantile(latencies, 0.99), unit: 'ms', method: 'the same' },
    {
      name: '  memory',
      value: after.rss / 2 ** 20,
      unit: 'MiB',
      method: 'resident, with a replay filter for 30 million tags (128 MiB)',
    },
  ]
}

const MULTIPLICATIONS = 3000

function multiplicationCpuUs(): number {
  const [scalar, out] = [Buffer.from(systemRng.bytes(X25519_BYTES)), Buffer.alloc(X25519_BYTES)]
  const point = Buffer.from(noiseSuite().makeKeyPair().publicKey)
  const rounds = Array.from({ length: 7 }, () => {
    const { user, system } = process.cpuUsage()
    for (let i = 0; i < MULTIPLICATIONS; i++) x25519(out, scalar, point)
    const used = process.cpuUsage({ user, system })
    return (used.user + used.system) / MULTIPLICATIONS
  })
  return quantile(rounds, 0.5)
}
