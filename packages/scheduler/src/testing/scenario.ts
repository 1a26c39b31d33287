import type { Rng } from '@fog/kernel'
import { randomBelow, seededRng } from '@fog/kernel'
import type { Job, RoutingStrategy } from '../job.ts'
import type { QueuedTask } from '../job-store.ts'
import type { NodeView, Route } from '../node-view.ts'
import { Fixtures, GIB, MIB, START } from './fixtures.ts'

export interface ScenarioSizes {
  readonly nodes: number
  readonly tasks: number
  /** Tasks of one job; every job has demands of its own. */
  readonly tasksPerJob: number
  /** Of all nodes, in percent, how many take no new work. */
  readonly closedPercent?: number | undefined
  readonly routing?: RoutingStrategy | undefined
}

/** A fog of uneven nodes, half empty, and a queue for it; the same for the same seed. */
export function makeScenario(sizes: ScenarioSizes, seed: number): { nodes: NodeView[]; queue: QueuedTask[] } {
  const fixtures = new Fixtures(seed)
  const rng = seededRng(seed)
  const owners = Array.from({ length: Math.ceil(sizes.nodes / 4) }, () => fixtures.id('account'))
  const nodes = Array.from({ length: sizes.nodes }, (_, i) =>
    makeNode(fixtures, rng, i, sizes.closedPercent ?? 5, owners),
  )
  const accounts = Array.from({ length: 8 }, () => fixtures.id('account'))
  const jobs = Array.from({ length: Math.ceil(sizes.tasks / sizes.tasksPerJob) }, (_, i) =>
    makeJob(fixtures, rng, accounts[i % accounts.length]!, sizes),
  )
  const queue = jobs.flatMap(({ job, tasks }) => tasks.map((task): QueuedTask => ({ task, job, attempts: [] })))
  return { nodes, queue: queue.slice(0, sizes.tasks) }
}

/** A ranking that stands in for the strategies where only the plan itself is looked at: the emptiest by free cores. */
export const routeByFreeCores: Route = (_, candidates) =>
  candidates.toSorted((a, b) => b.free.cpuMilli / b.capacity.cpuMilli - a.free.cpuMilli / a.capacity.cpuMilli)

function makeNode(
  fixtures: Fixtures,
  rng: Rng,
  i: number,
  closedPercent: number,
  owners: NodeView['ownerId'][],
): NodeView {
  const cores = 2 ** randomBelow(rng, 7)
  const capacity = { cpuMilli: cores * 1_000, memoryBytes: cores * 2 * GIB, diskBytes: cores * 10 * GIB }
  const used = rng.next() / 2
  const free = {
    cpuMilli: Math.floor(capacity.cpuMilli * (1 - used)),
    memoryBytes: Math.floor(capacity.memoryBytes * (1 - used)),
    diskBytes: capacity.diskBytes,
  }
  return {
    nodeId: fixtures.id('node'),
    ownerId: owners[randomBelow(rng, owners.length)]!,
    name: `node-${i}`,
    kinds: ['wasm'],
    capacity,
    free,
    slots: cores * 4,
    latencyMs: randomBelow(rng, 10) === 0 ? undefined : 1 + randomBelow(rng, 150),
    labels: { region: `region-${i % 5}`, residency: i % 2 === 0 ? 'eu' : 'us' },
    warm: new Set(i % 7 === 0 ? [programDigest(randomBelow(rng, 20))] : []),
    trust: randomBelow(rng, 1_000),
    networkPrefix: `203.0.${i % 250}.0/24`,
    circuits: i % 3 === 0,
    closed: randomBelow(rng, 100) < closedPercent ? 'suspended by its owner: battery 62 %' : undefined,
  }
}

function makeJob(fixtures: Fixtures, rng: Rng, accountId: Job['accountId'], sizes: ScenarioSizes) {
  const tiers = ['platinum', 'gold', 'silver', 'silver', 'bronze', 'bronze'] as const
  const tier = tiers[randomBelow(rng, tiers.length)]!
  const quorum = tier === 'platinum' || tier === 'gold' ? 2 : 1
  const base = fixtures.spec()
  const spec = fixtures.spec({
    tier,
    program: { digest: programDigest(randomBelow(rng, 20)), size: 4_096 },
    routing: sizes.routing ?? 'least_loaded',
    verification: { quorum, spotCheckBasisPoints: 0 },
    require: randomBelow(rng, 4) === 0 ? { residency: 'eu' } : {},
    limits: {
      ...base.limits,
      cpuMilli: 10 * (1 + randomBelow(rng, 100)),
      memoryBytes: (16 + randomBelow(rng, 240)) * MIB,
      diskBytes: (16 + randomBelow(rng, 240)) * MIB,
    },
  })
  const submittedAt = START + randomBelow(rng, 60_000)
  return fixtures.job(
    { accountId, spec, submittedAt },
    Array.from({ length: sizes.tasksPerJob }, () => ({})),
  )
}

function programDigest(i: number): string {
  return i.toString(16).padStart(64, '0')
}
