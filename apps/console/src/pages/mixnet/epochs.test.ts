import { expect, test } from 'vitest'
import { epochAt, healthOf, nextTurn, type Place, startOf } from './epochs.ts'

const SCHEDULE = { genesisAt: 1_000_000, epochMs: 60_000, closeMs: 15_000, roundMs: 1_500 }
const PLACES: readonly Place[] = ['gateway', 0, 1, 2]

function topology(epoch: number, places: readonly Place[] = PLACES) {
  return { epoch, nodes: places.map((place) => ({ place })) as unknown as Parameters<typeof healthOf>[1]['nodes'] }
}

test('epochs are counted from 1, and there is none before the first', () => {
  expect([999_999, 1_000_000, 1_059_999, 1_060_000].map((at) => epochAt(SCHEDULE, at))).toEqual([0, 1, 1, 2])
  expect(startOf(SCHEDULE, 3)).toBe(1_120_000)
  expect(nextTurn(SCHEDULE, 5)).toBe(1_000_000)
  expect(nextTurn(SCHEDULE, 1_060_000)).toBe(1_120_000)
})

test('a network that has not begun says when it does, whether or not its first epoch was agreed on', () => {
  for (const held of [0, 1])
    expect(healthOf(SCHEDULE, topology(held), 999_000)).toEqual({ kind: 'starting', beginsAt: 1_000_000 })
})

test('the last consensus holds for one epoch more, and then the network has stopped', () => {
  const running = startOf(SCHEDULE, 5) + 1
  expect(healthOf(SCHEDULE, topology(5), running)).toEqual({ kind: 'sound', epoch: 5, endsAt: startOf(SCHEDULE, 6) })
  expect(healthOf(SCHEDULE, topology(4), running)).toMatchObject({
    kind: 'late',
    held: 4,
    validUntil: startOf(SCHEDULE, 6),
  })
  expect(healthOf(SCHEDULE, topology(3), running)).toMatchObject({ kind: 'stopped', held: 3, epoch: 5 })
  expect(healthOf(SCHEDULE, topology(0), running)).toEqual({ kind: 'none', epoch: 5 })
})

test('a network without nodes is told from one through which no way leads', () => {
  const running = startOf(SCHEDULE, 2)
  expect(healthOf(SCHEDULE, topology(2, []), running)).toMatchObject({ kind: 'empty' })
  expect(healthOf(SCHEDULE, topology(2, ['gateway', 0, 'reserve']), running)).toMatchObject({
    kind: 'broken',
    missing: [1, 2],
  })
})
