import { expect, test } from 'vitest'
import { cellAt, gridFor } from './grid.ts'

test('few tasks get large squares, many small ones', () => {
  expect(gridFor(16, 600)).toMatchObject({ columns: 20, cell: 30, height: 30 })
  expect(gridFor(2000, 600).cell).toBe(6)
})

test('a square is found by a point in it, and none between or beyond', () => {
  const grid = gridFor(40, 300)
  expect(grid.columns).toBe(10)
  expect([cellAt(grid, 1, 1), cellAt(grid, 31, 1), cellAt(grid, 1, 31)]).toEqual([0, 1, 10])
  expect([cellAt(grid, 28, 1), cellAt(grid, 301, 1), cellAt(grid, -1, 1)]).toEqual([undefined, undefined, undefined])
})

test('nothing is drawn before the width is known', () => {
  expect(gridFor(16, 0)).toMatchObject({ columns: 0, width: 0, height: 0 })
})
