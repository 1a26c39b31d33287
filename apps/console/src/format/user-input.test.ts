import { expect, test } from 'vitest'
import { grantProblem, nameProblem, passwordProblem } from './user-input.ts'

test('a name is taken as the contract takes it', () => {
  expect(['ada', 'a1', 'grace.hopper-2'].map(nameProblem)).toEqual([undefined, undefined, undefined])
  expect(['', 'a', 'Ada', '-a', 'a b', 'x'.repeat(40)].every((name) => nameProblem(name) !== undefined)).toBe(true)
})

test('a password has 10 to 200 characters', () => {
  expect([passwordProblem('x'.repeat(9)), passwordProblem('x'.repeat(201))]).not.toContain(undefined)
  expect(passwordProblem('x'.repeat(10))).toBeUndefined()
})

test('a grant is above nothing and has six decimals at most', () => {
  expect(['50', '0.000001', '007'].map(grantProblem)).toEqual([undefined, undefined, undefined])
  expect(['0', '0.0', '', '-1', '1.0000001', '1e3'].every((tokens) => grantProblem(tokens) !== undefined)).toBe(true)
})
