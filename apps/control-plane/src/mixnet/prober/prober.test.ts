import { DEFAULT_PARAMETERS, type Descriptor, type NetworkParameters } from '@fog/betanet/directory'
import { DEFAULT_VERTICAL_LIMITS, type DirectoryAccess, MixNode, type VerticalLimits } from '@fog/betanet/node'
import { authorityKeys, newMixKeys, rulesOf } from '@fog/betanet/testing'
import { toHex } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemRng } from '@fog/kernel/node'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { openTestServer, type TestServer } from '../../http/testing/test-server.ts'
import { Mixnet, MixnetError } from '../index.ts'
import { SETTINGS } from '../testing/test-mixnet.ts'
import { ProbeMetrics } from './probe-metrics.ts'
import { Prober } from './prober.ts'

const PARAMETERS: NetworkParameters = {
  ...DEFAULT_PARAMETERS,
  nodesPerLayer: 2,
  delayMeansSteps: [50],
  // Without cover probes leave at their own rate.
  clientSendMeanMs: 0,
  mixLoopMeanMs: 0,
}
/** One slot: a packet that comes while another waits is dropped. */
const NARROW: VerticalLimits = { ...DEFAULT_VERTICAL_LIMITS, slots: 1 }
const LOSSY = 2
/** Threads of eight nodes start, and packets take their time, on a machine that may be busy. */
const PATIENT_MS = 180_000

const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop()
})

/** A control plane's directory, and real nodes on loopback that publish to it; time is moved by hand, packets take theirs. */
async function openNetwork(): Promise<{ fog: TestServer; mixnet: Mixnet; nodes: MixNode[] }> {
  const held: { mixnet?: Mixnet } = {}
  const fog = await openTestServer({
    mixnet: (platform) => {
      const rules = { ...rulesOf(['only'], 1, platform.clock), parameters: PARAMETERS }
      const network = { rules, keys: authorityKeys('only'), peers: [] }
      held.mixnet = new Mixnet({ platform, settings: { ...SETTINGS, admission: 'anyone' }, network })
      return held.mixnet
    },
  })
  open.push(fog)
  const mixnet = held.mixnet!
  const roles = [...Array.from({ length: 6 }, () => 'mix' as const), 'gateway' as const, 'gateway' as const]
  const nodes = roles.map((role, i) => makeNode(fog, mixnet, role, i))
  open.push(...nodes)
  await Promise.all(nodes.map((node) => node.start()))
  return { fog, mixnet, nodes }
}

function makeNode({ clock }: TestServer, mixnet: Mixnet, role: Descriptor['role'], i: number): MixNode {
  const directory: DirectoryAccess = {
    publish: async (bytes) => void (await mixnet.takeDescriptor(bytes)),
    consensus: async (epoch) =>
      mixnet.consensus(epoch).then(
        ({ bytes }) => bytes,
        (fault: unknown) => {
          if (fault instanceof MixnetError) return undefined
          throw fault
        },
      ),
  }
  return new MixNode(
    { keys: newMixKeys(), directory, noise: noiseSuite(), clock, rng: systemRng, log: () => undefined },
    {
      role,
      operator: `operator-${i}`,
      host: '127.0.0.1',
      advertisedHost: '127.0.0.1',
      ports: [0],
      suite: 'betanetKemX25519',
      datagrams: false,
      packetsPerSecond: 100,
      trust: mixnet.rules,
      schedule: mixnet.rules.schedule,
      limits: i === LOSSY ? NARROW : undefined,
    },
  )
}

async function pass({ fog, mixnet, nodes }: Awaited<ReturnType<typeof openNetwork>>, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    fog.clock.advance(1_000)
    await Promise.all(nodes.map((node) => node.tick()))
    await mixnet.step()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test(
  'a real node that drops packets is found out by probes, and the next consensus gives it less weight',
  async () => {
    const network = await openNetwork()
    const { fog, mixnet, nodes } = network
    // Keys must be known an epoch ahead, so places are given from the second epoch on.
    await pass(network, 52)
    const metrics = new ProbeMetrics()
    const prober = new Prober(
      {
        clock: fog.clock,
        rng: systemRng,
        noise: noiseSuite(),
        now: monotonicMs,
        consensus: async () => (await mixnet.directory.readConsensus(mixnet.epoch))?.consensus,
        probes: mixnet.probes,
        metrics,
        log: fog.platform.log,
      },
      { perMinute: 6_000, slackMs: 1_500 },
    )
    open.push({ stop: async () => prober.close() })
    const keys = nodes.map(({ nodeId }) => toHex(nodeId))
    const measured = async () => {
      await prober.step()
      const found = await mixnet.probes.read(keys, fog.clock.now())
      // Figures are found anew when the clock has moved on.
      fog.clock.advance(1)
      return [...found.values()].reduce((sum, { sent }) => sum + sent, 0)
    }
    await expect.poll(measured, { timeout: PATIENT_MS / 2, interval: 1 }).toBeGreaterThan(5 * 500)
    const found = await mixnet.probes.read(keys, fog.clock.now())
    expect(found.size).toBe(8)
    const sums = keys.map((key) => found.get(key)!)
    const lossRates = sums.map(({ lossRate }) => lossRate!)
    expect(lossRates[LOSSY]).toBeGreaterThan(0.08)
    expect(Math.max(...lossRates.filter((_, i) => i !== LOSSY))).toBeLessThan(0.03)
    // Each mix has its turn as often as the other one of its layer.
    const perMix = sums.slice(0, 6).map(({ sent }) => sent)
    expect(Math.max(...perMix) - Math.min(...perMix)).toBeLessThan(0.2 * Math.max(...perMix))

    const before = await weights(mixnet)
    await pass(network, 20)
    const after = await weights(mixnet)
    expect(after.epoch).toBeGreaterThan(before.epoch)
    const honest = keys.filter((_, i) => i !== LOSSY).map((key) => after.of.get(key)!)
    expect(after.of.get(keys[LOSSY]!)!).toBeLessThan(0.75 * Math.min(...honest))
    expect(after.of.get(keys[LOSSY]!)!).toBeLessThan(before.of.get(keys[LOSSY]!)!)
    const registry = new Registry()
    metrics.register(registry)
    expect(await registry.metrics()).toMatch(/fog_mixnet_probes_total\{outcome="lost"\} [1-9]/)
  },
  PATIENT_MS,
)

test(
  'a gateway that lets nobody in is charged, and the ways that need it are not sent',
  async () => {
    const network = await openNetwork()
    const { fog, mixnet, nodes } = network
    await pass(network, 52)
    const [shut] = nodes.splice(7, 1)
    await shut!.stop()
    const noted: (readonly string[])[] = []
    let ahead = 0
    const prober = new Prober(
      {
        clock: fog.clock,
        rng: systemRng,
        noise: noiseSuite(),
        // Half a minute passes at once when the test says so.
        now: () => monotonicMs() + ahead,
        consensus: async () => (await mixnet.directory.readConsensus(mixnet.epoch))?.consensus,
        probes: {
          note: async (results) => void noted.push(...results.map(({ hops }) => hops)),
          read: async () => new Map(),
        },
        metrics: new ProbeMetrics(),
        log: fog.platform.log,
      },
      { perMinute: 6_000 },
    )
    open.push({ stop: async () => prober.close() })
    const isIn = async () => {
      await prober.step()
      return noted.some((hops) => hops.length > 1)
    }
    await expect.poll(isIn, { timeout: PATIENT_MS / 2, interval: 1 }).toBe(true)
    ahead += 30_000
    const unreachable = async () => {
      await prober.step()
      return noted.filter((hops) => hops.length === 1)
    }
    await expect.poll(unreachable, { timeout: PATIENT_MS / 2, interval: 1 }).toContainEqual([toHex(shut!.nodeId)])
    expect(new Set((await unreachable()).flat())).toEqual(new Set([toHex(shut!.nodeId)]))
  },
  PATIENT_MS,
)

async function weights(mixnet: Mixnet): Promise<{ readonly epoch: number; readonly of: ReadonlyMap<string, number> }> {
  const epoch = (await mixnet.directory.lastConsensusEpoch())!
  const { consensus } = (await mixnet.directory.readConsensus(epoch))!
  return {
    epoch,
    of: new Map(consensus.nodes.map(({ signed, weight }) => [toHex(signed.descriptor.identityKey), weight])),
  }
}
