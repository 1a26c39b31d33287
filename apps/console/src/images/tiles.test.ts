import { expect, test } from 'vitest'
import { mosaicOf, placeOf } from './tiles.ts'

const tile = (row: number, column: number, width = 8) => ({ place: { row, column }, picture: { width, height: 4 } })

test('a tile says its place in a comment', () => {
  expect(placeOf({ comments: ['made by mandel', 'row 3 column 12'] })).toEqual({ row: 3, column: 12 })
  expect(placeOf({ comments: ['row x column 1'] })).toBeUndefined()
})

test('tiles of one size make a picture, even while some are still missing', () => {
  expect(mosaicOf([tile(0, 0), tile(2, 3)])).toEqual({ rows: 3, columns: 4, tileWidth: 8, tileHeight: 4 })
})

test('pictures that do not belong together stay apart', () => {
  expect(mosaicOf([tile(0, 0)])).toBeUndefined()
  expect(mosaicOf([tile(0, 0), tile(0, 1, 9)])).toBeUndefined()
  expect(mosaicOf([tile(0, 0), { place: undefined, picture: { width: 8, height: 4 } }])).toBeUndefined()
})
