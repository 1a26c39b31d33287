import { expect, test } from 'vitest'
import { stepState } from './step-state.ts'

const NONE = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }

test.each([
  ['all wait', { waiting: 3, counts: { ...NONE, queued: 3 } }, 'waiting'],
  ['some are free', { waiting: 2, counts: { ...NONE, queued: 3 } }, 'queued'],
  ['one runs', { waiting: 2, counts: { ...NONE, queued: 2, running: 1 } }, 'running'],
  ['between two', { waiting: 2, counts: { ...NONE, queued: 2, done: 1 } }, 'running'],
  ['all done', { waiting: 0, counts: { ...NONE, done: 3 } }, 'done'],
  ['one failed', { waiting: 0, counts: { ...NONE, done: 2, failed: 1 } }, 'failed'],
  ['cancelled', { waiting: 0, counts: { ...NONE, done: 1, cancelled: 2 } }, 'cancelled'],
] as const)('a step of which %s', (_, step, state) => {
  expect(stepState({ tasks: 3, ...step })).toBe(state)
})
