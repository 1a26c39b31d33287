import { expect, test } from 'vitest'
import { deadlineRefusals, type ExpectMs } from './deadline.ts'
import type { JobSpec, StepSpec } from './job.ts'
import { Fixtures, START } from './testing/index.ts'

const MINUTE = 60_000
const base = new Fixtures().spec()
const step = (name: string, minutes: number, ...needs: number[]): StepSpec => ({
  name,
  program: base.program,
  args: [],
  env: {},
  inputs: [],
  limits: { ...base.limits, wallMs: minutes * MINUTE },
  first: 0,
  tasks: 1,
  needs: needs.map((place) => ({ step: place, how: 'all' as const })),
  given: [],
})
const said = (spec: JobSpec, deadlineAt: number | undefined, expectMs?: ExpectMs) =>
  deadlineRefusals(spec, deadlineAt, START, expectMs).map(({ code, sentence }) => `${code}: ${sentence}`)

test('a job without a deadline is never late', () => {
  expect(said(base, undefined)).toEqual([])
})

test('a deadline that has passed is refused', () => {
  expect(said(base, START)).toEqual(['deadline: The deadline 2026-01-01T00:00:00.000Z has passed; choose a later one.'])
})

test('a task that may take longer than there is time is refused, with both numbers', () => {
  expect(said(base, START + MINUTE)).toEqual([])
  const [sentence] = said(base, START + MINUTE / 2)
  expect(sentence).toContain('A task may take 1 min, and the deadline is in 30 s. Lower resources.wallSeconds')
})

test('what is expected counts instead of the limit', () => {
  expect(said(base, START + 5_000, () => 4_000)).toEqual([])
  expect(said(base, START + 5_000, () => 6_000)[0]).toContain(
    'A task took at least 6 s whenever it ran, and the deadline is in 5 s.',
  )
})

test('more work than the whole fog could do in time is refused, where it is known how long tasks take', () => {
  const slots = { tasks: () => 100, slots: () => 4 }
  const said100 = (deadlineAt: number, ms?: number) =>
    deadlineRefusals(base, deadlineAt, START, () => ms, slots).map(({ sentence }) => sentence)
  expect(said100(START + 25 * MINUTE, MINUTE)).toEqual([])
  expect(said100(START + 24 * MINUTE, MINUTE)[0]).toContain('Its tasks take 25 min even if each is as quick')
  expect(said100(START + 2 * MINUTE)).toEqual([])
})

test('steps count along the longest chain, which is named', () => {
  const spec = { ...base, steps: [step('split', 10), step('map', 20, 0), step('side', 25), step('join', 5, 1, 2)] }
  expect(said(spec, START + 35 * MINUTE)).toEqual([])
  expect(said(spec, START + 34 * MINUTE)[0]).toContain(
    'The steps split, map, join, one after the other, may take 35 min',
  )
  expect(said(spec, START + 34 * MINUTE, (_, place) => (place === 1 ? MINUTE : undefined))).toEqual([])
})
