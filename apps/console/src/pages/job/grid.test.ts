import { expect, test } from 'vitest'
import { cellAt, gridFor } from './grid.ts'

test('few tasks get large squares, many small ones', () => {
  expect(gridFor(16, 600)).toMatchObject({ columns: 27, cell: 22, height: 22 })
  expect(gridFor(2000, 600).cell).toBe(6)
})

test('a square is found by a point in it, and none between or beyond', () => {
  const grid = gridFor(40, 220)
  expect(grid.columns).toBe(10)
  expect([cellAt(grid, 1, 1), cellAt(grid, 23, 1), cellAt(grid, 1, 23)]).toEqual([0, 1, 10])
  expect([cellAt(grid, 21, 1), cellAt(grid, 221, 1), cellAt(grid, -1, 1)]).toEqual([undefined, undefined, undefined])
})

test('nothing is drawn before the width is known', () => {
  expect(gridFor(16, 0)).toMatchObject({ columns: 0, width: 0, height: 0 })
})
