import type { Figure } from '../figure.ts'
import { quantile } from '../yardstick.ts'
import { type Chain, type ChainRun, runChain, sizeText } from './mix-chain.ts'

const SHARES = [0.5, 0.99, 0.999] as const
/** About one multiplication and a bit: what the design allows for a packet in all. */
const MOST_RATIO = 1.6
const LEAST_IMPLIED = 25_000
const MOST_SERVICE_US = 1_000

const ONE_NODE: Omit<Chain, 'perSecond' | 'seconds'> = {
  hops: 1,
  threads: 2,
  suite: 'betanetKemX25519',
  datagrams: false,
  meanMs: 20,
}

/**
 * Parts (b), (d) and (e): one mix node of two threads in a process of its own, between an open-loop generator with packets built
 * beforehand and a sink that unwraps and checks each after the run. All share the machine's cores, so the node's own CPU time
 * for a packet is the firm figure.
 */
export async function mixNode(load: Pick<Chain, 'perSecond' | 'seconds'>): Promise<Figure[]> {
  const run = await runChain({ ...ONE_NODE, ...load })
  const [node] = run.nodes
  const { cpuUs, rssMiB, times } = node!
  const spread = (name: 'service' | 'queueing' | 'slack', method: string): Figure[] =>
    SHARES.map((share) => ({
      name: `  ${name} p${share * 100}`,
      value: times[name].quantile(share) ?? Number.NaN,
      unit: 'us',
      ...(name === 'service' && share === 0.99 ? { bar: { atMost: MOST_SERVICE_US } } : {}),
      method,
    }))
  return [
    ...rateAndLoss(`one mix node at ${load.perSecond}/s`, run),
    {
      name: '  CPU of the node, a packet',
      value: cpuUs,
      unit: 'us',
      method: 'user and system of the whole process: links, unwrapping, waiting',
    },
    {
      name: '  to one X25519 multiplication',
      value: cpuUs / run.multiplicationUs,
      unit: 'x',
      bar: { atMost: MOST_RATIO },
      method: `${run.multiplicationUs.toFixed(1)} us each in the same run`,
    },
    {
      name: '  implied for a node alone on two cores',
      value: 2e6 / cpuUs,
      unit: '1/s',
      bar: { atLeast: LEAST_IMPLIED },
      method: 'two core-seconds over its CPU a packet',
    },
    ...spread('service', 'unwrapping, replay check, into its slot'),
    ...spread('queueing', 'from bytes read to begun, an upper bound'),
    ...spread('slack', 'past the time it was due'),
    ...endToEnd(run),
    {
      name: '  memory',
      value: rssMiB,
      unit: 'MiB',
      method: 'resident, with a replay filter for 30 million tags (128 MiB)',
    },
  ]
}

/** Part (c): three nodes of one thread, each a process. */
export async function threeHops(load: Pick<Chain, 'perSecond' | 'seconds'>): Promise<Figure[]> {
  const run = await runChain({ ...ONE_NODE, hops: 3, threads: 1, ...load })
  return [...rateAndLoss(`three hops at ${load.perSecond}/s`, run), ...cpuOfEach(run), ...endToEnd(run)]
}

/** Part (f): two nodes that hand small packets to each other as datagrams, and the same over links. */
export async function datagrams(load: Pick<Chain, 'perSecond' | 'seconds'>): Promise<Figure[]> {
  const small: Chain = { ...ONE_NODE, hops: 2, threads: 1, suite: 'betanetKemX25519Small', ...load }
  const [udp, tcp] = [await runChain({ ...small, datagrams: true }), await runChain(small)]
  return [
    ...rateAndLoss(`two hops over UDP at ${load.perSecond}/s`, udp),
    ...cpuOfEach(udp),
    ...rateAndLoss(`two hops over TCP at ${load.perSecond}/s`, tcp),
    ...cpuOfEach(tcp),
  ]
}

function rateAndLoss(name: string, run: ChainRun): Figure[] {
  const { chain, sent, lost, tookMs, nodes } = run
  const { perSecond, seconds, threads, meanMs } = chain
  const offered = `${sizeText(chain)}, ${perSecond}/s offered for ${seconds} s, ${threads} threads a node, mean delay ${meanMs} ms a hop`
  return [
    { name, value: ((sent - lost) * 1000) / tookMs, unit: '1/s', method: `${offered}; first sent to last received` },
    {
      name: '  lost',
      value: lost,
      unit: 'packets',
      bar: { atMost: 0 },
      method: `of ${sent}, each unwrapped and checked at the end; drops: ${nodes.map(({ drops }) => drops).join('; ')}`,
    },
  ]
}

function cpuOfEach({ nodes, multiplicationUs }: ChainRun): Figure[] {
  return nodes.map(({ cpuUs }, i) => ({
    name: `  CPU of node ${i + 1}, a packet`,
    value: cpuUs,
    unit: 'us',
    method: `${(cpuUs / multiplicationUs).toFixed(2)} X25519 multiplications of ${multiplicationUs.toFixed(1)} us`,
  }))
}

function endToEnd({ latenciesMs }: ChainRun): Figure[] {
  return SHARES.map((share) => ({
    name: `  end to end p${share * 100}`,
    value: quantile(latenciesMs, share),
    unit: 'ms',
    method: 'sampled delays and all else, generator to sink',
  }))
}
