import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SortedIndex, SortedSet } from './sorted-index.ts'

const ascending = (a: number, b: number) => a - b

test('a sorted set holds what a sorted list would, whatever is added and deleted', () => {
  const change = fc.record({ add: fc.boolean(), value: fc.integer({ min: 0, max: 300 }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), fc.integer({ min: -1, max: 301 }), (changes, bound) => {
      const set = new SortedSet<number>(ascending)
      const model = new Set<number>()
      for (const { add, value } of changes) {
        const had = model.has(value)
        if (add && !had) set.add(value)
        expect(add ? had : set.delete(value)).toBe(had)
        if (add) model.add(value)
        else model.delete(value)
      }
      const sorted = [...model].sort(ascending)
      expect(set.size).toBe(sorted.length)
      expect(set.first).toBe(sorted[0])
      expect([...set.values()]).toEqual(sorted)
      expect([...set.values((value) => value < bound)]).toEqual(sorted.filter((value) => value >= bound))
      expect([...set.valuesDown((value) => value < bound)]).toEqual(sorted.filter((value) => value < bound).reverse())
    }),
  )
})

test('a sorted set of fifty thousand stays in order through many chunks', () => {
  const set = new SortedSet<number>(ascending)
  for (let i = 0; i < 50_000; i += 1) set.add((i * 7_919) % 50_000)
  for (let i = 0; i < 50_000; i += 2) set.delete(i)
  expect(set.size).toBe(25_000)
  expect(set.values().take(3).toArray()).toEqual([1, 3, 5])
  expect(set.valuesDown().take(2).toArray()).toEqual([49_999, 49_997])
})

test('an index follows rows from group to group and forgets those without one', () => {
  const index = new SortedIndex<string, { id: number; at: string | undefined }>(
    ({ at }) => at,
    (a, b) => a.id - b.id,
  )
  const row = { id: 1, at: 'here' as string | undefined }
  index.follow(undefined, row)
  index.follow(undefined, { id: 0, at: 'here' })
  expect(index.values('here').map(({ id }) => id)).toEqual([0, 1])
  index.follow(row, { ...row, at: 'there' })
  expect(index.values('here').map(({ id }) => id)).toEqual([0])
  expect(index.values('there').map(({ id }) => id)).toEqual([1])
  index.follow({ ...row, at: 'there' }, { ...row, at: undefined })
  expect(index.get('there').size).toBe(0)
})
