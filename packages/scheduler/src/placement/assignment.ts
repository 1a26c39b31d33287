import { WIDTH } from './arrangement.ts'
import { COST, eligibleLists, fitsEmpty, type PlacementModel, WAITS } from './model.ts'

/** Generalised assignment: n jobs to m agents at least total cost, each agent within its capacity. */
export interface AssignmentProblem {
  readonly jobs: number
  readonly agents: number
  /** At `agent * jobs + job`. */
  readonly costs: Float64Array
  /** What a job uses of an agent: at `agent * jobs + job`. */
  readonly uses: Float64Array
  readonly capacities: Float64Array
}

/** The same as a placement model: one dimension of room, one objective, costs and uses by pairs. */
export function assignmentModel({ jobs, agents, costs, uses, capacities }: AssignmentProblem): PlacementModel {
  const demand = new Float64Array(jobs * agents)
  const pairCost = new Float64Array(jobs * agents)
  for (let job = 0; job < jobs; job += 1) {
    for (let agent = 0; agent < agents; agent += 1) {
      demand[job * agents + agent] = uses[agent * jobs + job]!
      pairCost[job * agents + agent] = costs[agent * jobs + job]!
    }
  }
  const eligible = new Uint8Array(agents).fill(1)
  const waitCharge = new Float64Array(jobs * WIDTH)
  // More than any assignment of all could save: a job is left out only where nothing else is possible.
  const outside = jobs * costs.reduce((most, cost) => Math.max(most, cost), 1)
  for (let job = 0; job < jobs; job += 1) waitCharge[job * WIDTH + COST] = outside
  const nodes = Int32Array.from({ length: agents }, (_, agent) => agent)
  const model: PlacementModel = {
    tasks: jobs,
    nodes: agents,
    dimensions: ['use'],
    objectives: ['cost'],
    demand,
    demandTaskStride: agents,
    demandNodeStride: 1,
    capacity: capacities.slice(),
    inverseTotal: capacities.map((capacity) => 1 / Math.max(capacity, 1)),
    sortOf: new Int32Array(jobs),
    sorts: 1,
    eligible,
    ...eligibleLists(eligible, 1, agents),
    placeable: new Uint8Array(jobs),
    cores: new Float64Array(jobs),
    gpus: new Float64Array(jobs),
    hours: new Float64Array(jobs),
    weight: new Float64Array(jobs),
    heldBy: new Int32Array(jobs).fill(WAITS),
    moveHours: new Float64Array(jobs),
    groupOf: new Int32Array(jobs),
    groups: 1,
    tierOf: new Uint8Array(jobs),
    waited: new Float64Array(jobs),
    slowness: new Float64Array(agents).fill(1),
    corePrice: new Float64Array(agents),
    gpuPrice: new Float64Array(agents),
    coreWatts: new Float64Array(agents),
    gpuWatts: new Float64Array(agents),
    idleEnergy: new Float64Array(agents),
    contention: 0,
    horizonHours: 0,
    pairCost,
    waitCharge,
    zoneOf: Int32Array.from([...nodes, ...nodes, ...nodes]),
    domains: agents,
    ruleStart: new Int32Array(jobs + 1),
    ruleOf: new Int32Array(0),
    rules: [],
    typical: [],
  }
  for (let job = 0; job < jobs; job += 1) {
    if (nodes.some((agent) => fitsEmpty(model, job, agent))) model.placeable[job] = 1
  }
  return model
}

/** Reads the text of an instance: `m n`, then m rows of n costs, m rows of n uses, m capacities. */
export function parseAssignment(text: string): AssignmentProblem {
  const numbers = text.trim().split(/\s+/).map(Number)
  const [agents = 0, jobs = 0] = numbers
  const pairs = agents * jobs
  const part = (from: number, size: number) => Float64Array.from(numbers.slice(2 + from, 2 + from + size))
  return { jobs, agents, costs: part(0, pairs), uses: part(pairs, pairs), capacities: part(2 * pairs, agents) }
}
