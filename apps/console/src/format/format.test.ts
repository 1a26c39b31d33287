import { describe, expect, test } from 'vitest'
import {
  countOf,
  formatBytes,
  formatChange,
  formatDuration,
  formatFuel,
  formatRelative,
  formatTokens,
  percentOf,
  sentenceOf,
  shortId,
} from './format.ts'

describe('figures', () => {
  test('tokens keep every digit and gain thousands marks', () => {
    expect(formatTokens('12000.250001')).toBe('12,000.250001')
    expect(formatTokens('-0.25')).toBe('−0.25')
    expect(formatTokens('123456789012345.1')).toBe('123,456,789,012,345.1')
  })

  test('what came has a plus, what went a minus, and nothing has neither', () => {
    expect([formatChange('50'), formatChange('-50'), formatChange('0')]).toEqual(['+50', '−50', '0'])
  })

  test('bytes and fuel are written with three digits at most', () => {
    expect([0, 1023, 1024, 12_700, 1_073_741_824].map(formatBytes)).toEqual([
      '0 B',
      '1,023 B',
      '1 KiB',
      '12.4 KiB',
      '1 GiB',
    ])
    expect([formatFuel('999'), formatFuel('3210000000'), formatFuel('12')]).toEqual(['999', '3.21 G', '12'])
  })

  test('one is singular', () => {
    expect([countOf(1, 'task'), countOf(0, 'task'), countOf(1204, 'task')]).toEqual([
      '1 task',
      '0 tasks',
      '1,204 tasks',
    ])
  })

  test('a share of nothing is nothing, and never above the whole', () => {
    expect([percentOf(1, 0), percentOf(1, 4), percentOf(9, 4)]).toEqual([0, 25, 100])
  })
})

describe('times', () => {
  test('a length has two units at most', () => {
    const lengths = [12, 4200, 42_000, 200_000, 7_500_000, 273_600_000]
    expect(lengths.map(formatDuration)).toEqual(['12 ms', '4.2 s', '42 s', '3 min 20 s', '2 h 5 min', '3 d 4 h'])
  })

  test('a length just below a step does not round up to it', () => {
    expect(formatDuration(59_999)).toBe('59 s')
    expect(formatDuration(3_599_999)).toBe('59 min 59 s')
  })

  test('a time is told from now, both ways', () => {
    const now = Date.UTC(2026, 0, 1)
    expect(formatRelative(now - 1000, now)).toBe('just now')
    expect(formatRelative(now - 12_000, now)).toBe('12 s ago')
    expect(formatRelative(now + 3 * 3_600_000, now)).toBe('in 3 h')
    expect(formatRelative(now - 40 * 86_400_000, now)).toBe('22 Nov 2025')
  })
})

describe('names', () => {
  test('an id keeps its kind and its end', () => {
    expect(shortId('job_01k0000000000000000000abcd')).toBe('job_…00abcd')
    expect(shortId('9f86d081884c7d659a2feaa0c55ad015')).toBe('9f86d0…d015')
  })

  test('a code nobody taught the console still reads as words', () => {
    expect(sentenceOf('node.state_changed')).toBe('Node state changed')
  })
})
