import { seededRng } from '@fog/kernel'
import { expect, test } from 'vitest'
import { Deck } from './deck.ts'

test('each comes as often as the others, in another order each round', () => {
  const deck = new Deck(['a', 'b', 'c', 'd'], seededRng(1))
  const rounds = Array.from({ length: 50 }, () => Array.from({ length: 4 }, () => deck.draw()!))
  expect(rounds.every((round) => round.toSorted().join('') === 'abcd')).toBe(true)
  expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(10)
})

test('what may not be drawn keeps its turn', () => {
  const deck = new Deck([1, 2, 3], seededRng(1))
  const odd = Array.from({ length: 4 }, () => deck.draw((n) => n !== 2)!)
  expect(odd.toSorted((x, y) => x - y)).toEqual([1, 1, 3, 3])
  expect([deck.draw(), deck.draw()]).toContain(2)
  expect(deck.draw((n) => n > 3)).toBeUndefined()
  expect(new Deck([], seededRng(1)).draw()).toBeUndefined()
})
