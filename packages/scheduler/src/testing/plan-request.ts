import type { Rng } from '@fog/kernel'
import { randomBelow, seededRng } from '@fog/kernel'
import type { ObjectiveName, PlanNode, PlanRequest, PlanRule, PlanTask } from '../placement/index.ts'
import { TIERS } from '../tier.ts'
import { GIB, MIB } from './fixtures.ts'

export interface RequestSizes {
  readonly nodes: number
  readonly tasks: number
  readonly objectives?: readonly ObjectiveName[] | undefined
}

/** A question to the placement engine with something of everything: held tasks, rules, sorts, room that is short. */
export function makePlanRequest({ nodes: n, tasks: count, objectives }: RequestSizes, seed: number): PlanRequest {
  const rng = seededRng(seed)
  const nodes = Array.from({ length: n }, (_, i) => makeNode(rng, i))
  const sorts = [[...nodes.keys()], [...nodes.keys()].filter((node) => node % 2 === 0 || n === 1)]
  const tasks = Array.from({ length: count }, (_, i) => makeTask(rng, i, n))
  const rules: PlanRule[] = [
    { kind: 'apart', level: 'domain', tasks: [0, 1, 2].filter((task) => task < count), beside: [0] },
    { kind: 'apart', level: 'node', most: 2, tasks: [...tasks.keys()].filter((task) => task % 3 === 0) },
    { kind: 'together', level: 'owner', tasks: [...tasks.keys()].filter((task) => task % 10 === 4) },
  ]
  return { nodes, sorts, tasks, rules, objectives, horizonMs: 3_600_000 }
}

function makeNode(rng: Rng, i: number): PlanNode {
  const cores = 2 ** randomBelow(rng, 5)
  return {
    nodeId: `node-${i}`,
    free: { cpuMilli: cores * 900, memoryBytes: cores * GIB, diskBytes: cores * 2 * GIB, gpuMilli: (i % 3) * 1000 },
    keptCpuMilli: cores * 100,
    slots: cores * 2,
    totalCpuMilli: cores * 1000,
    isOn: i % 4 === 0,
    owner: `owner-${i % 5}`,
    domain: `domain-${i % 3}`,
    corePrice: 0.5 + rng.next(),
    gpuPrice: 10,
    idleWatts: 20 + 10 * rng.next(),
    coreWatts: 3 + 4 * rng.next(),
    gpuWatts: 100,
    speed: 0.5 + rng.next(),
  }
}

function makeTask(rng: Rng, i: number, nodes: number): PlanTask {
  // Held ones are small, so that what a node holds always fits it; every second node is of both sorts.
  const isHeld = i % 7 === 3 && nodes > 0
  return {
    taskId: `task-${i}`,
    group: `job-${Math.floor(i / 4)}`,
    tier: TIERS[randomBelow(rng, TIERS.length)]!,
    sort: randomBelow(rng, 4) === 0 ? 1 : 0,
    cpuMilli: 100 * (1 + randomBelow(rng, 20)),
    memoryBytes: (64 + randomBelow(rng, 1500)) * MIB,
    diskBytes: randomBelow(rng, 500) * MIB,
    gpuMilli: randomBelow(rng, 6) === 0 ? 500 : 0,
    waitedMs: randomBelow(rng, 60_000),
    runMs: 60_000 + randomBelow(rng, 7_200_000),
    ...(isHeld && { heldBy: 2 * randomBelow(rng, Math.ceil(nodes / 2)), moveMs: randomBelow(rng, 600_000) }),
  }
}
