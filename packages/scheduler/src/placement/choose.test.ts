import { describe, expect, test } from 'vitest'
import { type Candidate, choosePoint } from './choose.ts'
import type { ObjectiveName } from './model.ts'

const OBJECTIVES: ObjectiveName[] = ['lateness', 'cost', 'energy']

function point(cost: number, energy: number, broken: Partial<Candidate['breaches']> = {}): Candidate {
  return { values: [1, cost, energy], breaches: { platinum: 0, gold: 0, silver: 0, bronze: 0, ...broken } }
}

describe('a point is chosen', () => {
  test('first by Platinum, then by Gold, whatever it costs', () => {
    const points = [point(1, 1, { platinum: 1 }), point(2, 2, { gold: 1 }), point(9, 9), point(1, 1, { gold: 2 })]
    expect(choosePoint(points, OBJECTIVES)).toEqual({
      chosen: 2,
      why: '3 of 4 points keep every Platinum promise. 1 of 3 points keeps every Gold promise. It is the only one.',
    })
  })

  test('among those that break fewest, where none keeps every promise', () => {
    const { chosen, why } = choosePoint([point(1, 1, { platinum: 3 }), point(5, 5, { platinum: 2 })], OBJECTIVES)
    expect(chosen).toBe(1)
    expect(why).toContain('None keeps every Platinum promise; 1 of 2 points breaks as few as possible, 2.')
  })

  test('at the knee of cost and energy', () => {
    const points = [point(10, 100), point(12, 60), point(20, 50), point(40, 48)]
    const { chosen, why } = choosePoint(points, OBJECTIVES)
    expect(chosen).toBe(1)
    expect(why).toContain('the knee of cost and energy: 20.0 % over the least cost, 25.0 % over the least energy.')
  })

  test('not for a hair’s breadth of one against half of the other', () => {
    expect(choosePoint([point(20, 100), point(10, 100.1)], OBJECTIVES).chosen).toBe(1)
  })

  test('by one objective where the policy says so', () => {
    const points = [point(10, 100), point(12, 60)]
    expect(choosePoint(points, OBJECTIVES, { protect: [], seeks: 'energy' }).chosen).toBe(1)
    expect(choosePoint(points, OBJECTIVES, { protect: [], seeks: 'cost' }).why).toBe(
      'Of these it is the least cost: 0.0 % over the least cost.',
    )
  })

  test('of nothing there is none', () => {
    expect(choosePoint([], OBJECTIVES).chosen).toBe(-1)
  })
})
