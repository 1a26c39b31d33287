import { TIER_TERMS, TIERS } from '../tier.ts'
import { WIDTH } from './arrangement.ts'
import {
  COST,
  eligibleLists,
  ENERGY,
  fitsEmpty,
  LATENESS,
  type ModelRule,
  MS_PER_HOUR,
  type ObjectiveName,
  type PlacementModel,
  WAITS,
} from './model.ts'
import type { PlanNode, PlanRequest, PlanRule, PlanTask } from './request.ts'
import { typicalShapes } from './typical-shapes.ts'

/** What the page's tiers allow Gold and Silver at most on a full node: the assumption where nothing was measured. */
export const CONTENTION = 0.3

const BASE_OBJECTIVES: readonly ObjectiveName[] = ['lateness', 'cost', 'energy']
const LEVELS = ['node', 'owner', 'domain'] as const

/** Turns plain data into the arrays the search works on. Costs O(tasks + sorts x nodes). */
export function buildModel(request: PlanRequest): PlacementModel {
  const { tasks, nodes } = request
  const horizonHours = request.horizonMs / MS_PER_HOUR
  const groupNumbers = new Map<string, number>()
  const room = roomOf(request)
  const sorts = sortsOf(request)
  const { ruleStart, ruleOf, rules } = rulesOf(request.rules ?? [], tasks.length)
  const owners = numberOff(nodes.map(({ owner }) => owner))
  const domains = numberOff(nodes.map(({ domain }) => domain))
  const bare = {
    tasks: tasks.length,
    nodes: nodes.length,
    objectives: request.objectives ?? BASE_OBJECTIVES,
    ...room,
    ...sorts,
    cores: Float64Array.from(tasks, ({ cpuMilli }) => cpuMilli / 1000),
    gpus: Float64Array.from(tasks, ({ gpuMilli }) => gpuMilli / 1000),
    hours: Float64Array.from(tasks, ({ runMs }) => runMs / MS_PER_HOUR),
    weight: Float64Array.from(tasks, urgency),
    heldBy: Int32Array.from(tasks, ({ heldBy }) => heldBy ?? WAITS),
    moveHours: Float64Array.from(tasks, ({ moveMs }) => (moveMs ?? 0) / MS_PER_HOUR),
    groupOf: Int32Array.from(tasks, ({ group }) => numberOf(groupNumbers, group)),
    tierOf: Uint8Array.from(tasks, ({ tier }) => TIERS.indexOf(tier)),
    waited: Float64Array.from(tasks, ({ waitedMs }) => waitedMs / MS_PER_HOUR),
    slowness: Float64Array.from(nodes, ({ speed }) => 1 / speed),
    corePrice: Float64Array.from(nodes, ({ corePrice }) => corePrice),
    gpuPrice: Float64Array.from(nodes, ({ gpuPrice }) => gpuPrice),
    coreWatts: Float64Array.from(nodes, ({ coreWatts }) => coreWatts),
    gpuWatts: Float64Array.from(nodes, ({ gpuWatts }) => gpuWatts),
    idleEnergy: Float64Array.from(nodes, ({ idleWatts, isOn }) => (isOn ? 0 : idleWatts * horizonHours)),
    contention: request.contention ?? CONTENTION,
    horizonHours,
    pairCost: undefined,
    zoneOf: Int32Array.from([...nodes.keys(), ...owners.numbers, ...domains.numbers]),
    domains: domains.size,
    ruleStart,
    ruleOf,
    rules,
  }
  const whole: PlacementModel = {
    ...bare,
    groups: groupNumbers.size,
    placeable: new Uint8Array(tasks.length),
    waitCharge: new Float64Array(tasks.length * WIDTH),
    typical: typicalShapes(bare),
  }
  chargeWaiting(whole)
  return whole
}

/**
 * What an hour of a task weighs: by what its tier pays over Bronze, and more the more of its promise it has waited away. A
 * task that has waited twice its promise weighs three times as much. Bronze ages over a day.
 */
function urgency({ tier, waitedMs }: PlanTask): number {
  const { priceMilli, queueWaitP95Ms } = TIER_TERMS[tier]
  return (
    (priceMilli / TIER_TERMS.bronze.priceMilli) * (1 + Math.min(8, waitedMs / (queueWaitP95Ms ?? 24 * MS_PER_HOUR)))
  )
}

/** Room by dimension, cores first; dimensions nobody asks for are left out. What held tasks take is theirs to give back. */
function roomOf({ tasks, nodes }: PlanRequest) {
  const keeps = nodes.some(({ keptCpuMilli = 0 }) => keptCpuMilli > 0)
  const all = [
    { name: 'cores', of: (task: PlanTask) => task.cpuMilli, has: (node: PlanNode) => node.free.cpuMilli },
    { name: 'memory', of: (task: PlanTask) => task.memoryBytes, has: (node: PlanNode) => node.free.memoryBytes },
    { name: 'gpu', of: (task: PlanTask) => task.gpuMilli, has: (node: PlanNode) => node.free.gpuMilli },
    { name: 'disk', of: (task: PlanTask) => task.diskBytes, has: (node: PlanNode) => node.free.diskBytes },
    {
      name: 'cores outside the headroom',
      of: (task: PlanTask) => (task.tier === 'platinum' || !keeps ? 0 : task.cpuMilli),
      has: (node: PlanNode) => Math.max(0, node.free.cpuMilli - (node.keptCpuMilli ?? 0)),
    },
    { name: 'slots', of: () => 1, has: (node: PlanNode) => node.slots },
  ]
  const used = all.filter(({ of, has }, at) => at === 0 || isScarce(tasks, nodes, of, has))
  const size = used.length
  const demand = new Float64Array(tasks.length * size)
  const capacity = new Float64Array(nodes.length * size)
  for (const [d, { of, has }] of used.entries()) {
    for (const [node, of] of nodes.entries()) capacity[node * size + d] = has(of)
    for (const [task, asked] of tasks.entries()) {
      demand[task * size + d] = of(asked)
      if (asked.heldBy !== undefined) capacity[asked.heldBy * size + d]! += of(asked)
    }
  }
  // A node never has more room than it lends: its load never falls as it fills.
  const inverseTotal = Float64Array.from(nodes, ({ totalCpuMilli }, node) => {
    const whole = Math.max(totalCpuMilli, capacity[node * size]!)
    return whole > 0 ? 1 / whole : 0
  })
  const dimensions = used.map(({ name }) => name)
  return { dimensions, demand, demandTaskStride: size, demandNodeStride: 0, capacity, inverseTotal }
}

/** Whether there is any node that could not take all of them. */
function isScarce(
  tasks: readonly PlanTask[],
  nodes: readonly PlanNode[],
  of: (task: PlanTask) => number,
  has: (node: PlanNode) => number,
): boolean {
  let asked = 0
  for (const task of tasks) asked += of(task)
  return asked > 0 && nodes.some((node) => has(node) < asked)
}

function sortsOf({ sorts, tasks, nodes }: PlanRequest) {
  const eligible = new Uint8Array(sorts.length * nodes.length)
  for (const [sort, allowed] of sorts.entries()) for (const node of allowed) eligible[sort * nodes.length + node] = 1
  return {
    sortOf: Int32Array.from(tasks, ({ sort }) => sort),
    sorts: sorts.length,
    eligible,
    ...eligibleLists(eligible, sorts.length, nodes.length),
  }
}

function rulesOf(asked: readonly PlanRule[], tasks: number) {
  const rules = asked.map((rule): ModelRule => ({
    kind: rule.kind,
    level: LEVELS.indexOf(rule.level),
    most: rule.most ?? 1,
    members: Int32Array.from(rule.tasks),
    beside: Int32Array.from(rule.beside ?? []),
  }))
  const ofTask: number[][] = Array.from({ length: tasks }, () => [])
  for (const [at, { members }] of rules.entries()) for (const task of members) ofTask[task]!.push(at)
  const ruleStart = new Int32Array(tasks + 1)
  for (let task = 0; task < tasks; task += 1) ruleStart[task + 1] = ruleStart[task]! + ofTask[task]!.length
  return { ruleStart, ruleOf: Int32Array.from(ofTask.flat()), rules }
}

/**
 * What waiting costs, so that leaving work undone never looks cheap: the task runs after the horizon, on the worst node of
 * its sort, which is full and was off. Marks what no empty node could ever hold; that is charged nothing.
 */
function chargeWaiting(model: PlacementModel): void {
  const { tasks, eligibleStart, eligibleNodes, sortOf, waitCharge, placeable } = model
  for (let task = 0; task < tasks; task += 1) {
    const sort = sortOf[task]!
    const at = task * WIDTH
    for (let i = eligibleStart[sort]!; i < eligibleStart[sort + 1]!; i += 1) {
      const node = eligibleNodes[i]!
      if (!fitsEmpty(model, task, node)) continue
      placeable[task] = 1
      const hours = (model.hours[task]! + model.moveHours[task]!) * model.slowness[node]!
      const lateness = model.weight[task]! * (model.horizonHours + hours * (1 + model.contention))
      const cost = hours * (model.cores[task]! * model.corePrice[node]! + model.gpus[task]! * model.gpuPrice[node]!)
      const work = hours * (model.cores[task]! * model.coreWatts[node]! + model.gpus[task]! * model.gpuWatts[node]!)
      waitCharge[at + LATENESS] = Math.max(waitCharge[at + LATENESS]!, lateness)
      waitCharge[at + COST] = Math.max(waitCharge[at + COST]!, cost)
      waitCharge[at + ENERGY] = Math.max(waitCharge[at + ENERGY]!, work + model.idleEnergy[node]!)
    }
  }
}

function numberOff(names: readonly string[]): { numbers: number[]; size: number } {
  const known = new Map<string, number>()
  const numbers = names.map((name) => numberOf(known, name))
  return { numbers, size: known.size }
}

function numberOf(known: Map<string, number>, name: string): number {
  const number = known.get(name) ?? known.size
  known.set(name, number)
  return number
}
