import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { barText, progressLine, visibleLength } from './bar.ts'
import { coloursOf } from './colours.ts'

const plain = coloursOf({ setting: 'never', isTerminal: true })
const painted = coloursOf({ setting: 'always', isTerminal: true })
const half = { label: 'mandel', total: 16, done: 7, failed: 1, running: 2, elapsedMs: 4_000 }

test('a bar is as full as the job', () => {
  expect(barText(half, 100, plain)).toBe(
    `mandel  ${'█'.repeat(16)}${'░'.repeat(16)}  8/16  2 running  1 failed  2/s  0:04`,
  )
})

test('a narrow terminal gets no bar but all the numbers', () => {
  expect(barText(half, 30, plain)).toBe('mandel  8/16  2 running  1 failed  2/s  0:04')
})

test('a bar never breaks the line, whatever the numbers', () => {
  const progress = fc.record({
    label: fc.string({ maxLength: 20 }),
    total: fc.nat(100_000),
    done: fc.nat(50_000),
    failed: fc.constant(0),
    running: fc.nat(100),
    elapsedMs: fc.nat(10_000_000),
  })
  fc.assert(
    fc.property(progress, fc.integer({ min: 80, max: 200 }), (one, columns) => {
      const total = Math.max(one.total, one.done)
      expect(visibleLength(barText({ ...one, total }, columns, painted))).toBeLessThan(columns)
    }),
  )
})

test('a log gets the same as a sentence', () => {
  expect(progressLine(half)).toBe('mandel: 7 of 16 done, 2 running, 1 failed, 0:04')
})

const red = (setting: 'auto' | 'never' | 'always', isTerminal: boolean) => coloursOf({ setting, isTerminal }).red('x')

test('colours are there on a terminal, and nowhere else unless asked for', () => {
  expect(red('auto', true)).toBe('\u001b[31mx\u001b[39m')
  expect([red('auto', false), red('never', true)]).toEqual(['x', 'x'])
  expect(red('always', false)).not.toBe('x')
})
