import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRng } from '@fog/kernel'
import { type AssignmentProblem, assignmentModel, parseAssignment, PlacementEngine } from '@fog/scheduler/placement'
import { cpuMs } from './cpu-time.ts'

const DATA = join(import.meta.dirname, '../data/gap')

/** CPU time for one instance. */
export const SECONDS_EACH = 5

export interface Assigned {
  readonly name: string
  readonly cost: number
  /** Proven: no assignment costs less. */
  readonly bound: number
  readonly isFeasible: boolean
}

/** The engine on one instance of generalised assignment, as it comes. */
export function assign(name: string, seed: number): Assigned {
  const problem = parseAssignment(readFileSync(join(DATA, `${name}.txt`), 'utf8'))
  const from = cpuMs()
  const engine = new PlacementEngine(assignmentModel(problem), seededRng(seed))
  while (cpuMs() - from < SECONDS_EACH * 1000) engine.step()
  const { nodeOf } = engine.front[0]!
  return { name, ...costOf(problem, nodeOf), bound: bounds().get(name)! }
}

export function instanceNames(): string[] {
  const files = readdirSync(DATA).filter((name) => name.endsWith('.txt'))
  return files.map((name) => name.slice(0, -'.txt'.length)).sort((a, b) => (a < b ? -1 : 1))
}

function bounds(): Map<string, number> {
  const rows = readFileSync(join(DATA, 'bounds.csv'), 'utf8').trim().split('\n').slice(1)
  return new Map(rows.map((row) => [row.split(',')[0]!, Number(row.split(',')[1])]))
}

function costOf({ jobs, costs, uses, capacities }: AssignmentProblem, agentOf: Int32Array) {
  const left = capacities.slice()
  let cost = 0
  let isFeasible = true
  for (const [job, agent] of agentOf.entries()) {
    if (agent < 0) isFeasible = false
    else {
      cost += costs[agent * jobs + job]!
      left[agent]! -= uses[agent * jobs + job]!
    }
  }
  return { cost, isFeasible: isFeasible && left.every((room) => room >= 0) }
}
