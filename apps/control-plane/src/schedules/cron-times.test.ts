import { expect, test } from 'vitest'
import { CronTimes } from './cron-times.ts'

const at = (text: string) => Date.parse(text)
const nexts = (cron: string, timezone: string, from: string, count: number) => {
  const times = new CronTimes({ cron, timezone })
  const found: string[] = []
  for (let now: number | undefined = at(from); found.length < count && now !== undefined;) {
    now = times.after(now)
    if (now !== undefined) found.push(new Date(now).toISOString())
  }
  return found
}

test('three every night in Berlin is another instant in winter and in summer', () => {
  expect(nexts('0 3 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', 3)).toEqual([
    '2026-03-28T02:00:00.000Z',
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T01:00:00.000Z',
  ])
})

test('a time that a night leaves out is due right after the gap, and one that comes twice is due once', () => {
  expect(nexts('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ])
  expect(nexts('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ])
})

test('the instant asked for is not answered again', () => {
  expect(nexts('*/15 * * * *', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual([
    '2026-01-01T00:15:00.000Z',
    '2026-01-01T00:30:00.000Z',
  ])
})

test('the last instant that was due, if it was not too long ago', () => {
  const times = new CronTimes({ cron: '0 * * * *', timezone: 'UTC' })
  expect(times.last(at('2026-01-01T00:00:00Z'), at('2026-01-01T05:30:00Z'))).toBe(at('2026-01-01T05:00:00Z'))
  expect(times.last(at('2026-01-01T00:00:00Z'), at('2026-01-01T05:00:00Z'))).toBe(at('2026-01-01T05:00:00Z'))
  expect(times.last(at('2026-01-01T05:10:00Z'), at('2026-01-01T05:30:00Z'))).toBeUndefined()
})

test('a day that never comes is never due', () => {
  expect(new CronTimes({ cron: '0 0 30 2 *', timezone: 'UTC' }).after(at('2026-01-01T00:00:00Z'))).toBeUndefined()
})

test.each(['', 'often', '0 3 * *', '61 * * * *', '* * * * * *', '0 0 ? * *', '0 3 * * * 2026 x'])(
  'the pattern "%s" is refused',
  (cron) => {
    expect(() => new CronTimes({ cron, timezone: 'UTC' })).toThrow('is no cron pattern')
  },
)

test('a time zone that is none is refused', () => {
  expect(() => new CronTimes({ cron: '0 3 * * *', timezone: 'Europe/Atlantis' })).toThrow(
    'no time zone Europe/Atlantis',
  )
})
