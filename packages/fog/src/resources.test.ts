import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addResources,
  fits,
  freeOf,
  loadOf,
  NOTHING,
  sameResources,
  scaleByCpuShare,
  subtractResources,
} from './resources.ts'

const amounts = fc.nat(2 ** 40)
const resources = fc.record({ cpuMilli: amounts, memoryBytes: amounts, diskBytes: amounts })

test('what was added can be taken away again', () => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      expect(subtractResources(addResources(a, b), b)).toEqual(a)
    }),
  )
})

test('a part fits into its sum; more than there is does not', () => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      expect(fits(a, addResources(a, b))).toBe(true)
      expect(fits({ ...a, diskBytes: a.diskBytes + 1 }, a)).toBe(false)
    }),
  )
})

test('taking away more than there is is a mistake of ours', () => {
  const two = { cpuMilli: 2, memoryBytes: 2, diskBytes: 2 }
  expect(() => subtractResources(two, { ...two, memoryBytes: 3 })).toThrow('more resources taken away')
})

test('free and reserved make the capacity, or nothing is free where the device shrank', () => {
  fc.assert(
    fc.property(resources, resources, (capacity, reserved) => {
      const free = freeOf(capacity, reserved)
      expect(free.cpuMilli).toBe(Math.max(0, capacity.cpuMilli - reserved.cpuMilli))
      expect(fits(NOTHING, free)).toBe(true)
      expect(fits(reserved, capacity)).toBe(
        fits(reserved, capacity) && sameResources(addResources(free, reserved), capacity),
      )
    }),
  )
})

test('a share of the CPU leaves memory and disk whole, and rounds down', () => {
  const capacity = { cpuMilli: 4_001, memoryBytes: 9, diskBytes: 9 }
  expect(scaleByCpuShare(capacity, 50)).toEqual({ ...capacity, cpuMilli: 2_000 })
  expect(scaleByCpuShare(capacity, 100)).toEqual(capacity)
  expect(scaleByCpuShare(capacity, 0)).toEqual({ ...capacity, cpuMilli: 0 })
  expect(() => scaleByCpuShare(capacity, 101)).toThrow('0 to 100')
})

test('load is that of the fullest resource', () => {
  const capacity = { cpuMilli: 1_000, memoryBytes: 1_000, diskBytes: 1_000 }
  expect(loadOf(capacity, capacity)).toBe(0)
  expect(loadOf(capacity, { cpuMilli: 900, memoryBytes: 250, diskBytes: 500 })).toBe(0.75)
  expect(loadOf(capacity, NOTHING)).toBe(1)
  expect(loadOf(NOTHING, NOTHING)).toBe(1)
})
