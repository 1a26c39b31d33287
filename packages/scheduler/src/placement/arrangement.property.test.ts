import { randomBelow, seededRng } from '@fog/kernel'
import { assert, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makePlanRequest } from '../testing/plan-request.ts'
import { Arrangement, WIDTH } from './arrangement.ts'
import { findBestNode } from './best-node.ts'
import { buildModel } from './build-model.ts'
import { crossNodes } from './crossover.ts'
import { Descent } from './descent.ts'
import { Direction } from './direction.ts'
import { type ObjectiveName, OBJECTIVES, type PlacementModel, WAITS } from './model.ts'
import { orderTasks, placeByRule, RULE_NAMES } from './rules.ts'

const cases = record({
  seed: integer(),
  nodes: integer({ min: 1, max: 12 }),
  tasks: integer({ min: 3, max: 40 }),
})
const objectiveSets: readonly (readonly ObjectiveName[])[] = [['lateness', 'cost', 'energy'], OBJECTIVES]

describe.each(objectiveSets.map((objectives) => ({ objectives, names: objectives.join(', ') })))(
  'over $names',
  ({ objectives }) => {
    const modelOf = (given: { seed: number; nodes: number; tasks: number }) =>
      buildModel(makePlanRequest({ nodes: given.nodes, tasks: given.tasks, objectives }, given.seed))

    test('what was kept up to date step by step equals a reckoning from the start', () => {
      assert(
        property(cases, (given) => {
          const model = modelOf(given)
          const at = new Arrangement(model)
          shuffle(at, given.seed, 200)
          expectSame(at.totals, reckoned(model, at.nodeOf))
          const again = new Arrangement(model)
          again.load(at.nodeOf)
          expectSame(at.totals, again.totals)
          expect([...at.free]).toEqual([...again.free])
        }),
        { numRuns: 60 },
      )
    })

    test('what a move is said to change is what it changes', () => {
      assert(
        property(cases, (given) => {
          const model = modelOf(given)
          const at = new Arrangement(model)
          const rng = seededRng(given.seed)
          const direction = directionOf(model, rng)
          shuffle(at, given.seed, 60)
          for (let step = 0; step < 60; step += 1) {
            const task = randomBelow(rng, model.tasks)
            const node = randomBelow(rng, model.nodes)
            const here = at.nodeOf[task]!
            if (here === node || !at.fits(task, node)) continue
            const before = direction.valueOf(at.totals)
            const said =
              (here === WAITS ? -direction.waiting(task) : direction.removing(at, task)) +
              direction.placing(at, task, node)
            at.move(task, node)
            expect(direction.valueOf(at.totals) - before).toBeCloseTo(said, 6)
          }
        }),
        { numRuns: 60 },
      )
    })

    test('the node found is the one a look at each would choose', () => {
      assert(
        property(cases, (given) => {
          const model = modelOf(given)
          const at = new Arrangement(model)
          const direction = directionOf(model, seededRng(given.seed))
          shuffle(at, given.seed, 40)
          const found = { node: WAITS, change: 0 }
          for (let task = 0; task < model.tasks; task += 1) {
            if (at.nodeOf[task] !== WAITS) continue
            findBestNode(direction, at, task, WAITS, Number.POSITIVE_INFINITY, found)
            const fitting = [...Array(model.nodes).keys()].filter((node) => at.fits(task, node))
            const least = Math.min(...fitting.map((node) => direction.placing(at, task, node)))
            expect(found.node === WAITS).toBe(fitting.length === 0)
            expect(found.change - least || 0).toBeCloseTo(0, 9)
          }
        }),
        { numRuns: 40 },
      )
    })

    test('rules, crossover, repair and descent stay feasible, and a descent never climbs', () => {
      assert(
        property(cases, (given) => {
          const model = modelOf(given)
          const at = new Arrangement(model)
          const rng = seededRng(given.seed)
          const direction = directionOf(model, rng)
          const order = orderTasks(model, 'arrival')
          const descent = new Descent(at, rng)
          placeByRule(at, order, RULE_NAMES[randomBelow(rng, RULE_NAMES.length)]!)
          expectFeasible(at)
          const other = at.nodeOf.slice()
          shuffle(at, given.seed, 50)
          descent.repair(direction, crossNodes(at, other, rng))
          expectFeasible(at)
          const before = direction.valueOf(at.totals)
          const waiting = waitingIn(at)
          descent.settle(direction, order, 2)
          descent.emptySome(direction, model.nodes)
          expectFeasible(at)
          // What finds room is placed, whatever that adds; apart from that nothing may add anything.
          const isHigher = direction.valueOf(at.totals) > before + 1e-9
          expect(isHigher && waitingIn(at) >= waiting).toBe(false)
          expectSame(at.totals, reckoned(model, at.nodeOf))
        }),
        { numRuns: 80 },
      )
    })
  },
)

test('a swap is said to change what it changes', () => {
  assert(
    property(cases, (given) => {
      const model = buildModel(makePlanRequest(given, given.seed))
      const at = new Arrangement(model)
      const rng = seededRng(given.seed)
      const direction = directionOf(model, rng)
      shuffle(at, given.seed, 60)
      for (let step = 0; step < 40; step += 1) {
        const a = randomBelow(rng, model.tasks)
        const b = randomBelow(rng, model.tasks)
        const [here, there] = [at.nodeOf[a]!, at.nodeOf[b]!]
        if (here === WAITS || there === WAITS || here === there) continue
        const before = direction.valueOf(at.totals)
        const said = direction.swapping(at, a, b)
        at.remove(a)
        at.remove(b)
        at.place(a, there)
        at.place(b, here)
        expect(direction.valueOf(at.totals) - before).toBeCloseTo(said, 6)
      }
    }),
    { numRuns: 60 },
  )
})

function directionOf(model: PlacementModel, rng: { next(): number }): Direction {
  const weights = Float64Array.from(model.objectives, () => rng.next())
  return new Direction(model, weights, new Float64Array(weights.length).fill(1))
}

/** Random placements and removals, all feasible. */
function shuffle(at: Arrangement, seed: number, steps: number): void {
  const rng = seededRng(seed + 1)
  for (let step = 0; step < steps; step += 1) {
    const task = randomBelow(rng, at.model.tasks)
    const node = randomBelow(rng, at.model.nodes)
    if (at.nodeOf[task] !== WAITS && randomBelow(rng, 4) === 0) at.remove(task)
    else if (at.nodeOf[task] !== node && at.fits(task, node)) at.move(task, node)
  }
}

function waitingIn({ nodeOf }: Arrangement): number {
  return nodeOf.reduce((count, node) => count + (node === WAITS ? 1 : 0), 0)
}

function expectSame(a: Float64Array, b: Float64Array): void {
  for (let k = 0; k < WIDTH; k += 1) expect(a[k]).toBeCloseTo(b[k]!, 6)
}

/** Every limit looked at anew, without what the arrangement keeps. */
function expectFeasible({ model, nodeOf }: Arrangement): void {
  const size = model.dimensions.length
  const used = new Float64Array(model.nodes * size)
  for (const [task, node] of nodeOf.entries()) {
    if (node === WAITS) continue
    expect(model.eligible[model.sortOf[task]! * model.nodes + node]).toBe(1)
    for (let d = 0; d < size; d += 1) used[node * size + d]! += model.demand[task * size + d]!
  }
  for (const [room, taken] of used.entries()) expect(taken).toBeLessThanOrEqual(model.capacity[room]!)
  for (const { kind, level, most, members, beside } of model.rules) {
    const standing = [...members].map((task) => nodeOf[task]!).filter((node) => node !== WAITS)
    // Those beside may be too many by themselves; then none of the members joins them.
    if (standing.length === 0) continue
    const zones = [...standing, ...beside].map((node) => model.zoneOf[level * model.nodes + node]!)
    for (const node of standing) {
      const zone = model.zoneOf[level * model.nodes + node]!
      const together = zones.filter((other) => other === zone).length
      expect(kind === 'apart' ? together <= most : together === zones.length).toBe(true)
    }
  }
}

/** The objectives by their definitions, written down a second time. */
function reckoned(model: PlacementModel, nodeOf: Int32Array): Float64Array {
  const totals = new Float64Array(WIDTH)
  const size = model.dimensions.length
  const free = model.capacity.slice()
  const burden = new Float64Array(model.nodes)
  const on = new Set<number>()
  for (const [task, node] of nodeOf.entries()) {
    if (node === WAITS) {
      for (let k = 0; k < WIDTH; k += 1) totals[k]! += model.waitCharge[task * WIDTH + k]!
      continue
    }
    const held = model.heldBy[task]!
    const isMoved = held !== WAITS && held !== node
    const hours = (model.hours[task]! + (isMoved ? model.moveHours[task]! : 0)) * model.slowness[node]!
    for (let d = 0; d < size; d += 1) free[node * size + d]! -= model.demand[task * size + d]!
    burden[node]! += model.weight[task]! * hours
    totals[1]! += hours * (model.cores[task]! * model.corePrice[node]! + model.gpus[task]! * model.gpuPrice[node]!)
    totals[2]! += hours * (model.cores[task]! * model.coreWatts[node]! + model.gpus[task]! * model.gpuWatts[node]!)
    if (isMoved) totals[3]! += 1
    on.add(node)
  }
  for (const node of on) {
    const load = 1 - free[node * size]! * model.inverseTotal[node]!
    totals[0]! += burden[node]! * (1 + model.contention * load * load)
    totals[2]! += model.idleEnergy[node]!
  }
  if (model.objectives.includes('fragmentation')) {
    for (let node = 0; node < model.nodes; node += 1) totals[4]! += stranded(model, free, node)
  }
  if (model.objectives.includes('concentration')) totals[5] = pairsTogether(model, nodeOf)
  return totals
}

function stranded({ capacity, dimensions, typical }: PlacementModel, free: Float64Array, node: number): number {
  const rooms = dimensions.map((_, d) => node * dimensions.length + d)
  const left = Math.max(...rooms.map((room) => (capacity[room]! > 0 ? free[room]! / capacity[room]! : 0)))
  const lost = typical.filter(({ demand }) => rooms.some((room, d) => demand[d]! > free[room]!))
  return Math.max(0, left) * lost.reduce((sum, { share }) => sum + share, 0)
}

function pairsTogether({ groupOf, zoneOf, nodes }: PlacementModel, nodeOf: Int32Array): number {
  let pairs = 0
  for (const [a, here] of nodeOf.entries()) {
    for (const [b, there] of nodeOf.entries()) {
      if (b <= a || here === WAITS || there === WAITS || groupOf[a] !== groupOf[b]) continue
      if (zoneOf[2 * nodes + here] === zoneOf[2 * nodes + there]) pairs += 1
    }
  }
  return pairs
}
