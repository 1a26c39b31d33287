import { expect, test } from 'vitest'
import { assumedText, breachText, formatValue } from './front-words.ts'

test('figures keep three digits and no idle zeros', () => {
  expect([0, 0.5, 12.345, 99.96, 1234.5, 2_500_000, 0.00012].map(formatValue)).toEqual([
    '0',
    '0.5',
    '12.3',
    '100',
    '1235',
    '2.5e+6',
    '1.2e-4',
  ])
})

test('a plan says whose promises it breaks, or nothing', () => {
  expect(breachText({ breaches: { platinum: 0, gold: 2, silver: 0, bronze: 1 } })).toBe('2 gold, 1 bronze')
  expect(breachText({ breaches: { platinum: 0, gold: 0, silver: 0, bronze: 0 } })).toBeUndefined()
})

test('what was assumed is said, but for what nobody has', () => {
  expect(assumedText({ corePrice: 2, gpuWatts: 2, speed: 0 })).toBe('the price of a core for 2 devices')
  expect(assumedText({ gpuPrice: 1 })).toBeUndefined()
})
