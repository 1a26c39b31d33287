import { isId, newId, seededRng } from '@fog/kernel'
import type { HoldId } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { transferIdOf } from './transfer-id.ts'

const holdIds = fc.tuple(fc.nat(), fc.nat(2 ** 45)).map(([seed, now]): HoldId => newId('hold', now, seededRng(seed)))

test('a step of a hold has one transfer id, in the form of any other', () => {
  fc.assert(
    fc.property(holdIds, (holdId) => {
      const ids = (['hold', 'settle', 'release'] as const).map((step) => transferIdOf(holdId, step))
      expect(ids.every((id) => isId('transfer', id))).toBe(true)
      expect(ids).toEqual((['hold', 'settle', 'release'] as const).map((step) => transferIdOf(holdId, step)))
    }),
  )
})

test('steps of a hold, and an id made from the same bits, never meet', () => {
  fc.assert(
    fc.property(holdIds, (holdId) => {
      const ids = (['hold', 'settle', 'release'] as const).map((step): string => transferIdOf(holdId, step))
      expect(new Set([...ids, holdId.replace('hold_', 'xfer_')]).size).toBe(4)
    }),
  )
})

test('steps of different holds never meet', () => {
  fc.assert(
    fc.property(holdIds, holdIds, (a, b) => {
      fc.pre(a !== b)
      const ids = [a, b].flatMap((id) => [
        transferIdOf(id, 'hold'),
        transferIdOf(id, 'settle'),
        transferIdOf(id, 'release'),
      ])
      expect(new Set(ids).size).toBe(6)
    }),
  )
})

test('an id whose last bits are in use is no base for others', () => {
  expect(() => transferIdOf(`hold_${'0'.repeat(25)}1` as HoldId, 'hold')).toThrow('last two bits')
  expect(() => transferIdOf(`hold_${'0'.repeat(25)}u` as HoldId, 'hold')).toThrow('last two bits')
})
