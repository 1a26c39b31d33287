import { randomBelow, seededRng } from '@fog/kernel'
import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { type AssignmentProblem, assignmentModel, parseAssignment } from './assignment.ts'
import { scalesOf } from './baselines.ts'
import { Direction } from './direction.ts'
import { PlacementEngine } from './engine.ts'
import { capacityPrices } from './prices.ts'

test('small assignments are solved as well as by trying all', () => {
  assert(
    property(integer(), (seed) => {
      const problem = makeProblem(seed)
      const best = bruteForce(problem)
      if (best === Number.POSITIVE_INFINITY) return
      const engine = new PlacementEngine(assignmentModel(problem), seededRng(seed))
      for (let step = 0; step < 1500; step += 1) engine.step()
      expect(engine.front).toHaveLength(1)
      expect(engine.front[0]!.values[0]).toBe(best)
      expect(costOf(problem, engine.front[0]!.nodeOf)).toBe(best)
    }),
    { numRuns: 25 },
  )
})

test('the bound by prices is never above what is possible', () => {
  assert(
    property(integer(), (seed) => {
      const problem = makeProblem(seed)
      const best = bruteForce(problem)
      if (best === Number.POSITIVE_INFINITY) return
      const model = assignmentModel(problem)
      const direction = new Direction(model, Float64Array.of(1), scalesOf([{ values: Float64Array.of(1) }]))
      expect(capacityPrices(direction, best, 100).bound).toBeLessThanOrEqual(best + 1e-6)
    }),
    { numRuns: 50 },
  )
})

test('an instance is read as it is written', () => {
  const { jobs, agents, costs, uses, capacities } = parseAssignment('2 3\n1 2 3\n4 5 6\n7 8 9\n10 11 12\n13 14\n')
  expect({ jobs, agents }).toEqual({ jobs: 3, agents: 2 })
  expect([...costs]).toEqual([1, 2, 3, 4, 5, 6])
  expect([...uses]).toEqual([7, 8, 9, 10, 11, 12])
  expect([...capacities]).toEqual([13, 14])
})

function makeProblem(seed: number): AssignmentProblem {
  const rng = seededRng(seed)
  const jobs = 7
  const agents = 3
  const pairs = (least: number, below: number) =>
    Float64Array.from({ length: jobs * agents }, () => least + randomBelow(rng, below))
  return { jobs, agents, costs: pairs(10, 40), uses: pairs(5, 20), capacities: new Float64Array(agents).fill(36) }
}

/** Infinite where a job is left out or an agent is overdrawn. */
function costOf({ jobs, costs, uses, capacities }: AssignmentProblem, agentOf: ArrayLike<number>): number {
  const left = capacities.slice()
  let cost = 0
  for (let job = 0; job < jobs; job += 1) {
    const agent = agentOf[job]!
    if (agent < 0) return Number.POSITIVE_INFINITY
    left[agent]! -= uses[agent * jobs + job]!
    cost += costs[agent * jobs + job]!
  }
  return left.every((room) => room >= 0) ? cost : Number.POSITIVE_INFINITY
}

function bruteForce(problem: AssignmentProblem): number {
  let best = Number.POSITIVE_INFINITY
  for (let code = 0; code < problem.agents ** problem.jobs; code += 1) {
    const agentOf = Array.from(
      { length: problem.jobs },
      (_, job) => Math.floor(code / problem.agents ** job) % problem.agents,
    )
    best = Math.min(best, costOf(problem, agentOf))
  }
  return best
}
