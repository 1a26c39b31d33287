import { ManualClock, type Rng, seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import {
  Evolution,
  type GenomeKind,
  hypervolume,
  integer,
  invertedGenerationalDistance,
  nsga2,
  own,
  permutation,
  type Problem,
  real,
} from './index.ts'
import { bnh, c1dtlz1, dtlz2, knapsack, rankByDefinition, singleMachine, tnk, zdt1, zdt3 } from './testing/index.ts'

describe('what it finds', () => {
  test('ZDT1 and ZDT3 to within a hundredth of their fronts', () => {
    const zdt1Found = nsga2(zdt1, { rng: seededRng(1), evaluations: 25_000 })
    expect(hypervolume(zdt1Found.objectives, [1.1, 1.1])).toBeGreaterThan(0.8695)
    const zdt3Found = nsga2(zdt3, { rng: seededRng(1), evaluations: 25_000 })
    expect(hypervolume(zdt3Found.objectives, [1.1, 1.1])).toBeGreaterThan(1.327)
  })
  test('the sphere of DTLZ2 in three objectives, evenly', () => {
    const found = nsga2(dtlz2(3), { rng: seededRng(1), evaluations: 10_000 })
    expect(hypervolume(found.objectives, [1.1, 1.1, 1.1])).toBeGreaterThan(0.72)
    const textbook = nsga2(dtlz2(3), { rng: seededRng(1), evaluations: 10_000, density: 'crowding' })
    expect(hypervolume(textbook.objectives, [1.1, 1.1, 1.1])).toBeGreaterThan(0.66)
  })
  test('a front in five objectives', () => {
    const found = nsga2(dtlz2(5), { rng: seededRng(1), evaluations: 4000 })
    expect(found.genomes.length).toBe(100)
    expect(hypervolume(found.objectives, Array<number>(5).fill(1.1))).toBeGreaterThan(0.3)
  })
  test.each([bnh, tnk, c1dtlz1(2)])('only what is feasible in $name', (problem) => {
    const found = nsga2(problem, { rng: seededRng(1), evaluations: 20_000 })
    expect(found.genomes.length).toBeGreaterThan(30)
    expect(found.violations.every((violation) => violation === 0)).toBe(true)
    expect(rankByDefinition(found.objectives, 2).every((rank) => rank === 0)).toBe(true)
  })
  test('the front of BNH where it is known to lie', () => {
    const { objectives } = nsga2(bnh, { rng: seededRng(1), evaluations: 20_000 })
    const row = new Float64Array(2)
    const truth = Float64Array.from({ length: 200 }, (_, i) => i / 40)
    const rows = [...truth].flatMap((x) => {
      bnh.evaluate(Float64Array.of(x, Math.min(x, 3)), row)
      return [...row]
    })
    // Objectives reach from 0 to 136 and from 4 to 50.
    expect(invertedGenerationalDistance(objectives, 2, Float64Array.from(rows))).toBeLessThan(0.5)
  })
  test('both ends of the orders of one machine, nearly, and keeps them when it is given them', () => {
    const problem = singleMachine(20, 1)
    const [best, other] = [new Float64Array(2), new Float64Array(2)]
    problem.evaluate(problem.smith, best)
    problem.evaluate(problem.jackson, other)
    const found = nsga2(problem, { rng: seededRng(1), evaluations: 20_000 })
    expect(found.objectives[0]).toBeLessThan(best[0]! * 1.02)
    expect(found.objectives.at(-1)).toBeLessThan(other[1]! + 15)
    const seeds = [problem.smith, problem.jackson]
    const seeded = nsga2(problem, { rng: seededRng(1), evaluations: 20_000, seeds })
    expect([seeded.objectives[0], seeded.objectives.at(-1)]).toEqual([best[0], other[1]])
  })
  test('choices under a limit', () => {
    const found = nsga2(knapsack(50, 1), { rng: seededRng(1), evaluations: 10_000 })
    expect(found.violations.every((violation) => violation === 0)).toBe(true)
    expect(found.genomes.length).toBeGreaterThan(10)
  })
  test('a front of genomes of one’s own making', () => {
    const found = nsga2(wordProblem, { rng: seededRng(1), evaluations: 5000 })
    // More letters a cost more letters b: of a word of eight, every number of them is a best.
    expect(found.genomes.map((word) => word.replaceAll('b', '').length)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })
})

/** Words of eight letters a, b or c, with as few a and as few b as can be, and no c. */
const wordProblem: Problem<string> = {
  objectiveCount: 2,
  genome: own({
    random: (rng) => Array.from({ length: 8 }, () => letter(rng)).join(''),
    crossover(mother, father, rng) {
      const at = Math.floor(rng.next() * 9)
      return [mother.slice(0, at) + father.slice(at), father.slice(0, at) + mother.slice(at)]
    },
    mutate(word, rng) {
      const at = Math.floor(rng.next() * 8)
      return word.slice(0, at) + letter(rng) + word.slice(at + 1)
    },
  }),
  evaluate(word, f) {
    f[0] = count(word, 'a')
    f[1] = count(word, 'b')
    return count(word, 'c')
  },
}

function letter(rng: Rng): string {
  return 'abc'[Math.floor(rng.next() * 3)]!
}

function count(word: string, wanted: string): number {
  return word.split(wanted).length - 1
}

describe('the same seed', () => {
  test.each([zdt1, dtlz2(3), tnk])('gives the same front of $name', (problem) => {
    const run = (seed: number) => nsga2(problem, { rng: seededRng(seed), evaluations: 3000 })
    expect(run(7)).toEqual(run(7))
    expect(run(7).objectives).not.toEqual(run(8).objectives)
  })
  test('gives the same whether it runs through or step by step', () => {
    const evolution = new Evolution(zdt1, { rng: seededRng(7) })
    while (evolution.evaluations < 3000) evolution.step()
    const { objectives } = nsga2(zdt1, { rng: seededRng(7), evaluations: 3000 })
    expect(evolution.front().objectives).toEqual(objectives)
  })
})

describe('when it ends', () => {
  test('makes just as many evaluations as it may, be it within a generation', () => {
    for (const evaluations of [1, 37, 100, 151, 250]) {
      let made = 0
      const counted = { ...zdt1, evaluate: (x: Float64Array, f: Float64Array) => (made++, zdt1.evaluate(x, f)) }
      const found = nsga2(counted, { rng: seededRng(1), evaluations })
      expect([made, found.evaluations, found.ended]).toEqual([evaluations, evaluations, 'evaluations'])
      expect(found.genomes.length).toBeGreaterThan(0)
    }
  })
  test('answers the best so far at the deadline, within an evaluation of it', () => {
    const clock = new ManualClock()
    const slow = {
      ...zdt1,
      evaluate(x: Float64Array, f: Float64Array) {
        clock.advance(10)
        zdt1.evaluate(x, f)
      },
    }
    const found = nsga2(slow, { rng: seededRng(1), deadline: { clock, at: clock.now() + 2345 } })
    expect([found.evaluations, found.ended]).toEqual([235, 'deadline'])
  })
  test('stops when it is told to', () => {
    const stop = new AbortController()
    const found = nsga2(zdt1, {
      rng: seededRng(1),
      signal: stop.signal,
      onGeneration: ({ generations }) => generations === 5 && stop.abort(),
    })
    expect([found.generations, found.evaluations, found.ended]).toEqual([5, 500, 'aborted'])
  })
  test('counts generations, the first population as one', () => {
    const seen: number[] = []
    const found = nsga2(zdt1, {
      rng: seededRng(1),
      generations: 3,
      onGeneration: (evolution) => seen.push(hypervolume(evolution.front().objectives, [11, 11])),
    })
    expect(found.evaluations).toBe(300)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })
  test.each([4, 6, 10, 50])('breeds as many children as a population of %i has members', (population) => {
    const { evaluations } = nsga2(zdt1, { rng: seededRng(1), population, generations: 4 })
    expect(evaluations).toBe(4 * population)
  })
})

describe('what it is given', () => {
  test('starts from known solutions and never loses the best', () => {
    const best = new Float64Array(30)
    const found = nsga2(zdt1, { rng: seededRng(1), seeds: [best], evaluations: 1000 })
    expect(found.objectives.subarray(0, 2)).toEqual(Float64Array.of(0, 1))
    expect(best).toEqual(new Float64Array(30))
  })
  test('shows the least violation while nothing is feasible', () => {
    const hopeless: Problem<Float64Array> = {
      objectiveCount: 1,
      genome: real({ lower: [0], upper: [1] }),
      evaluate: (x) => 1 + x[0]!,
    }
    const { genomes, violations } = nsga2(hopeless, { rng: seededRng(1), evaluations: 2000 })
    expect([genomes.length > 0, violations[0]]).toEqual([true, expect.closeTo(1, 2)])
  })
  test('is refused with a reason when it makes no sense', () => {
    const rng = seededRng(1)
    expect(() => nsga2(zdt1, { rng })).toThrow('evaluations must be given')
    expect(() => nsga2(zdt1, { rng, evaluations: 0 })).toThrow('evaluations must be at least 1, not 0')
    expect(() => nsga2(zdt1, { rng, evaluations: 9, population: 7 })).toThrow('an even number from 4 on, not 7')
    expect(() => nsga2({ ...zdt1, objectiveCount: 0 }, { rng, evaluations: 9 })).toThrow('objectiveCount')
    const seeds = Array.from({ length: 101 }, () => new Float64Array(30))
    expect(() => nsga2(zdt1, { rng, evaluations: 9, seeds })).toThrow('seeds must be at most 100')
  })
  test('takes no known solution that is none', () => {
    const evaluate = (x: ArrayLike<number>, f: Float64Array) => void (f[0] = x[0]!)
    const from = <Genome extends ArrayLike<number>>(genome: GenomeKind<Genome>, seed: Genome) =>
      nsga2({ objectiveCount: 1, genome, evaluate }, { rng: seededRng(1), evaluations: 9, seeds: [seed] })
    const box = { lower: [0, 0], upper: [1, 1] }
    expect(() => from(real(box), Float64Array.of(0))).toThrow('seeds[0] must be 2 long, not [0]')
    expect(() => from(real(box), Float64Array.of(0, 2))).toThrow('seeds[0] must be within its bounds at place 1')
    expect(() => from(real(box), Float64Array.of(Number.NaN, 0))).toThrow('within its bounds at place 0')
    expect(() => from(integer(box), Int32Array.of(-1, 0))).toThrow('seeds[0] must be within its bounds at place 0')
    expect(() => from(permutation({ length: 3 }), Int32Array.of(0, 0, 2))).toThrow(
      'an order of the numbers from 0 to 2',
    )
    expect(from(permutation({ length: 3 }), Int32Array.of(2, 0, 1)).evaluations).toBe(9)
  })
  test('has to write every objective', () => {
    const forgetful = { ...zdt1, evaluate: (x: Float64Array, f: Float64Array) => void (f[0] = x[0]!) }
    expect(() => nsga2(forgetful, { rng: seededRng(1), evaluations: 9 })).toThrow('is not a number')
  })
  test('may be infinitely bad, but not a NaN', () => {
    const holed = (hole: number): Problem<Float64Array> => ({
      ...zdt1,
      evaluate: (x, f) => (x[1]! < 0.5 ? void f.fill(hole) : zdt1.evaluate(x, f)),
    })
    const found = nsga2(holed(Infinity), { rng: seededRng(1), evaluations: 2000 })
    expect(found.objectives.every(Number.isFinite)).toBe(true)
    expect(() => nsga2(holed(Number.NaN), { rng: seededRng(1), evaluations: 2000 })).toThrow('is not a number')
  })
})
