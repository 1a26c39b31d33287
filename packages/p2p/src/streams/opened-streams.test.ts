import { assert, integer, property, shuffledSubarray } from 'fast-check'
import { expect, test } from 'vitest'
import { OpenedStreams } from './opened-streams.ts'

const SESSION = 'aaaaaaaaaaaaaaaa'
const id = (number: number, session = SESSION) => ({ session, number })

test('each stream is opened once, in whatever order they come', () => {
  const numbers = Array.from({ length: 200 }, (_, i) => i + 1)
  assert(
    property(shuffledSubarray(numbers, { minLength: 200 }), integer({ min: 0, max: 2 ** 31 }), (order, from) => {
      const opened = new OpenedStreams(0, 10)
      for (const each of order) expect(opened.note('ann', id(from + each), 1, 1)).toBe('new')
      for (const each of order) expect(opened.note('ann', id(from + each), 1, 1)).toBe('repeated')
    }),
  )
})

test('what lies too far back counts as opened', () => {
  const opened = new OpenedStreams(0, 10)
  opened.note('ann', id(1_000), 1, 1)
  expect(opened.note('ann', id(745), 1, 1)).toBe('new')
  expect(opened.note('ann', id(744), 1, 1)).toBe('repeated')
})

test('nothing that was opened before this end began can open again', () => {
  const opened = new OpenedStreams(5_000, 10)
  expect(opened.note('ann', id(1), 4_999, 6_000)).toBe('stale')
  expect(opened.note('ann', id(1), 5_000, 6_000)).toBe('new')
})

test('a session that had to be forgotten cannot be played again', () => {
  const opened = new OpenedStreams(0, 3)
  for (let peer = 0; peer < 10; peer++) {
    expect(opened.note(`peer ${peer}`, id(1), 100 + peer, 100 + peer)).toBe('new')
    expect(opened.size).toBeLessThanOrEqual(3)
  }
  for (let peer = 0; peer < 6; peer++) expect(opened.note(`peer ${peer}`, id(1), 100 + peer, 200)).toBe('stale')
  expect(opened.note('peer 9', id(1), 109, 200)).toBe('repeated')
})
