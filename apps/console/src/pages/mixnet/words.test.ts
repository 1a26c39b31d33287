import { expect, test } from 'vitest'
import { hostProblem, mixCommand } from './join-mix.ts'
import {
  dropMeaning,
  lossText,
  missingText,
  placeOrder,
  placeText,
  rateText,
  revealOf,
  standingOf,
  weightOf,
  weightParts,
} from './words.ts'

test('layers are counted from 1 for people', () => {
  expect(([0, 2, 'gateway', 'reserve', 'waiting'] as const).map(placeText)).toEqual([
    'layer 1',
    'layer 3',
    'gateway',
    'in reserve',
    'waiting',
  ])
  expect(placeOrder('gateway')).toBeLessThan(placeOrder(0))
})

test('what is missing for a way through is told in one sentence', () => {
  expect(missingText(['gateway', 0, 1, 2])).toBe('there is no gateway, and nobody in layer 1, 2 or 3')
  expect(missingText([1])).toBe('there is nobody in layer 2')
  expect(missingText(['gateway'])).toBe('there is no gateway')
})

// docs/betanet-lottery.md: reputation x (1000 - 5 x loss) x (1000 + bonus) x reliability / 10^6.
test.each([
  [{ reputation: 500, performance: 950, stake: 0, faults: 0 }, 375_000],
  [{ reputation: 1000, performance: 1000, stake: 10_000, faults: 0 }, 2_000_000],
  [{ reputation: 1000, performance: 1000, stake: 99_999, faults: 0 }, 2_000_000],
  [{ reputation: 800, performance: 990, stake: 100, faults: 1 }, 418_000],
  [{ reputation: 1000, performance: 799, stake: 0, faults: 0 }, 0],
  [{ reputation: 1000, performance: 1000, stake: 0, faults: 8 }, 0],
])('the parts of %o make a weight of %i', (measured, weight) => {
  expect(weightOf(weightParts(measured))).toBe(weight)
})

test('what is held against a node comes first, the worst before the rest', () => {
  expect(standingOf({ weight: 0, faults: 8, reveal: 'wrong' })).toMatchObject({ tone: 'bad' })
  expect(standingOf({ weight: 9, faults: 1, reveal: 'missing' })).toEqual({
    tone: 'warn',
    text: 'its reveal is missing',
  })
  expect(standingOf({ weight: 9, faults: 2, reveal: 'valid' })).toEqual({ tone: 'warn', text: '2 faults' })
  expect(standingOf({ weight: 9, faults: 0, reveal: 'none' })).toMatchObject({ tone: 'good' })
})

test('words nobody taught the console are shown as they are', () => {
  expect(dropMeaning('solar_flare')).toBe('solar flare')
  expect(revealOf('late')).toMatchObject({ text: 'late', tone: 'idle' })
})

test('rates and losses are written with the digits that matter', () => {
  expect([0, 0.004, 1.234, 99.5, 1234.5].map(rateText)).toEqual(['0', '< 0.01', '1.23', '99.5', '1,235'])
  expect(lossText({ sent: 40, lost: 1 })).toBe('1 of 40 lost (2.5 %)')
  expect(lossText({ sent: 0, lost: 0 })).toBe('0 of 0 lost')
})

test('the command of a first start takes any name for one word', () => {
  const run = { origin: 'http://fog:7070', secret: 'fogjoin_x', role: 'mix', host: '' } as const
  expect(mixCommand({ ...run, name: 'cellar' })).toBe(
    'FOG_JOIN_TOKEN=fogjoin_x FOG_MIX_NAME=cellar fog mix run --url http://fog:7070',
  )
  expect(mixCommand({ ...run, name: "ada's $(rm)", role: 'gateway', host: 'mix7.example' })).toBe(
    `FOG_JOIN_TOKEN=fogjoin_x FOG_MIX_NAME='ada'\\''s $(rm)' FOG_MIX_ROLE=gateway FOG_MIX_HOST=0.0.0.0 FOG_MIX_ADVERTISED_HOST=mix7.example fog mix run --url http://fog:7070`,
  )
  expect(['', 'mix7.example', '10.0.0.7', '::1'].map(hostProblem)).toEqual([undefined, undefined, undefined, undefined])
  expect(['a b', 'x;rm', 'http://x'].every((host) => hostProblem(host) !== undefined)).toBe(true)
})
