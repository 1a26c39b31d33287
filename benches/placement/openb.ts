import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { randomBelow, type Rng, seededRng } from '@fog/kernel'
import { TIER_TERMS, type Tier } from '@fog/scheduler'
import type { NodeTerms, PlanNode, PlanRequest, PlanRule, PlanTask } from '@fog/scheduler/placement'

const DATA = join(import.meta.dirname, '../data/openb')
const MIB = 2 ** 20
const HOUR_MS = 3_600_000

/** What a plan looks ahead. Runs that last longer count as far as it. */
const HORIZON_MS = 4 * HOUR_MS

/**
 * Assumed, not measured: the trace names device models but neither prices nor watts. Watts are the makers' board power
 * (P100 250, T4 70, V100 300, A10 150; the trace hides what G2 and G3 are) less an idle tenth; prices keep the order of
 * public clouds' lists. Only the order between models matters to the comparison.
 */
const MODELS: Readonly<Record<string, { gpuPrice: number; gpuWatts: number; gpuIdle: number; speed: number }>> = {
  '': { gpuPrice: 0, gpuWatts: 0, gpuIdle: 0, speed: 1 },
  P100: { gpuPrice: 0.9, gpuWatts: 225, gpuIdle: 25, speed: 0.8 },
  T4: { gpuPrice: 0.35, gpuWatts: 62, gpuIdle: 8, speed: 0.85 },
  V100M16: { gpuPrice: 1.6, gpuWatts: 270, gpuIdle: 30, speed: 1 },
  V100M32: { gpuPrice: 1.9, gpuWatts: 270, gpuIdle: 30, speed: 1 },
  A10: { gpuPrice: 0.8, gpuWatts: 135, gpuIdle: 15, speed: 1.1 },
  G2: { gpuPrice: 1.1, gpuWatts: 180, gpuIdle: 20, speed: 1.05 },
  G3: { gpuPrice: 2.4, gpuWatts: 360, gpuIdle: 40, speed: 1.3 },
}

/** Round trips of eight sites, in ms, assumed: five within Platinum's and Gold's cap, seven within Silver's. */
const SITES_MS = [3, 6, 10, 14, 19, 45, 90, 160]

export interface Sizes {
  readonly nodes: number
  readonly tasks: number
}

/**
 * A question made of real nodes and tasks: so many of each drawn without replacement. The draw, sites, market prices, tiers
 * within a class of service, jobs and waits follow from the seed; sizes, run times and device models are the trace's.
 */
export function openbRequest(sizes: Sizes, seed: number): PlanRequest {
  const rng = seededRng(seed)
  const nodes = draw(rng, readRows('openb_node_list_all_node.csv.gz'), sizes.nodes).map((row) => nodeOf(row, rng))
  const rows = draw(rng, readRows('openb_pod_list_default.csv.gz').filter(isWhole), sizes.tasks)
  const sorts = new Sorts(nodes)
  const tasks: PlanTask[] = []
  const rules: PlanRule[] = []
  while (tasks.length < rows.length) {
    const members = rows.slice(tasks.length, tasks.length + 1 + randomBelow(rng, 8))
    const from = tasks.length
    const asksForHome = randomBelow(rng, 10) === 0
    const tier = tierOf(members[0]!, rng)
    const sort = sorts.sortOf(tier, asksForHome)
    for (const row of members) tasks.push(taskOf(row, `job-${from}`, tier, sort, rng))
    // Platinum spreads: the first two tasks of such a job must not share a failure domain.
    if (tier === 'platinum' && members.length > 1) {
      rules.push({ kind: 'apart', level: 'domain', tasks: [from, from + 1] })
    }
  }
  return { nodes: nodes.map(({ node }) => node), sorts: sorts.lists, tasks, rules, horizonMs: HORIZON_MS }
}

type Row = Readonly<Record<string, string>>

interface SitedNode {
  readonly node: PlanNode
  readonly latencyMs: number
  readonly isHome: boolean
}

function nodeOf(row: Row, rng: Rng): SitedNode {
  const site = randomBelow(rng, SITES_MS.length)
  const cpuMilli = Number(row['cpu_milli'])
  const devices = Number(row['gpu'])
  const terms = termsOf(row['model'] ?? '', cpuMilli / 1000, devices, rng)
  const node: PlanNode = {
    nodeId: row['sn']!,
    free: { cpuMilli, memoryBytes: Number(row['memory_mib']) * MIB, diskBytes: 0, gpuMilli: devices * 1000 },
    slots: 1_000_000,
    totalCpuMilli: cpuMilli,
    isOn: false,
    owner: `owner-${randomBelow(rng, 50)}`,
    domain: `site-${site}`,
    ...terms,
  }
  return { node, latencyMs: SITES_MS[site]!, isHome: site % 2 === 0 }
}

function termsOf(model: string, cores: number, devices: number, rng: Rng): NodeTerms {
  const { gpuPrice, gpuWatts, gpuIdle, speed } = MODELS[model]!
  // Owners ask what they like: the market scatters by a quarter either way.
  const market = 0.75 + rng.next() / 2
  return {
    corePrice: 0.04 * speed * market,
    gpuPrice: gpuPrice * market,
    idleWatts: 60 + cores + devices * gpuIdle,
    coreWatts: 3.5,
    gpuWatts,
    speed,
  }
}

function taskOf(row: Row, group: string, tier: Tier, sort: number, rng: Rng): PlanTask {
  const runMs = (Number(row['deletion_time']) - Number(row['scheduled_time'])) * 1000
  const promised = TIER_TERMS[tier].queueWaitP95Ms ?? HOUR_MS
  return {
    taskId: row['name']!,
    group,
    tier,
    sort,
    cpuMilli: Number(row['cpu_milli']),
    memoryBytes: Number(row['memory_mib']) * MIB,
    diskBytes: 0,
    gpuMilli: Number(row['num_gpu']) * Number(row['gpu_milli']),
    waitedMs: Math.floor(rng.next() * promised),
    runMs: Math.min(HORIZON_MS, Math.max(60_000, runMs)),
  }
}

/** Latency-sensitive tasks are Platinum, Gold or Silver, best effort is Bronze; one draw a job. */
function tierOf(row: Row, rng: Rng): Tier {
  if (row['qos'] === 'BE') return 'bronze'
  if (row['qos'] === 'Guaranteed') return 'platinum'
  if (row['qos'] === 'Burstable') return 'silver'
  return (['platinum', 'gold', 'gold', 'silver', 'silver', 'silver'] as const)[randomBelow(rng, 6)]!
}

/** Which nodes a tier may use: within its round trip, and at home where the data must stay there. */
class Sorts {
  readonly lists: number[][] = []
  readonly #known = new Map<string, number>()
  readonly #nodes: readonly SitedNode[]

  constructor(nodes: readonly SitedNode[]) {
    this.#nodes = nodes
  }

  sortOf(tier: Tier, asksForHome: boolean): number {
    const key = `${tier} ${asksForHome}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const cap = TIER_TERMS[tier].latencyCapMs ?? Number.POSITIVE_INFINITY
    const allowed = [...this.#nodes.entries()].filter(
      ([, { latencyMs, isHome }]) => latencyMs <= cap && (isHome || !asksForHome),
    )
    this.lists.push(allowed.map(([at]) => at))
    this.#known.set(key, this.lists.length - 1)
    return this.lists.length - 1
  }
}

function isWhole(row: Row): boolean {
  return row['qos'] !== '' && Number(row['scheduled_time']) > 0 && Number(row['deletion_time']) > 0
}

function readRows(file: string): Row[] {
  const [head, ...lines] = gunzipSync(readFileSync(join(DATA, file)))
    .toString('utf8')
    .trim()
    .split('\n')
  const names = head!.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, at) => [names[at]!, value])))
}

/** So many of them, none twice; again from the start when there are not enough. */
function draw<T>(rng: Rng, all: readonly T[], count: number): T[] {
  const pool = all.slice()
  const drawn: T[] = []
  while (drawn.length < count) {
    if (pool.length === 0) pool.push(...all)
    const at = randomBelow(rng, pool.length)
    drawn.push(pool[at]!)
    pool[at] = pool.at(-1)!
    pool.pop()
  }
  return drawn
}
