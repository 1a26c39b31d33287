import { expect, test } from 'vitest'
import { formatIn, nextTimes } from './next-times.ts'

const AT = Date.parse('2026-10-24T12:00:00Z')

test('the next times of a pattern are told in its own time zone, summer and winter', () => {
  const next = nextTimes({ cron: '0 3 * * *', timezone: 'Europe/Berlin' }, AT, 3)
  expect(next.ok && next.times.map((at) => new Date(at).toISOString())).toEqual([
    // The night in which clocks go back.
    '2026-10-25T02:00:00.000Z',
    '2026-10-26T02:00:00.000Z',
    '2026-10-27T02:00:00.000Z',
  ])
  expect(formatIn('Europe/Berlin', Date.parse('2026-10-25T02:00:00Z'))).toMatch(/Sun,? 25 Oct 2026,? (at )?03:00/)
})

test('what never comes has no times, and what is no pattern says which field is wrong', () => {
  expect(nextTimes({ cron: '0 0 30 2 *', timezone: 'UTC' }, AT, 3)).toEqual({ ok: true, times: [] })
  for (const cron of ['', 'often', '* * * *', '? * * * *', '61 * * * *'])
    expect(nextTimes({ cron, timezone: 'UTC' }, AT, 3)).toMatchObject({ ok: false, field: 'cron' })
  expect(nextTimes({ cron: '0 3 * * *', timezone: 'Atlantis' }, AT, 3)).toMatchObject({ ok: false, field: 'timezone' })
})
