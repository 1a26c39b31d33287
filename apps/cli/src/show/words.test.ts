import { expect, test } from 'vitest'
import { agoText, bytesText, clockText, count, durationText, grouped, plainText, shortId } from './words.ts'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [134_217_728, '128 MiB'],
  [5 * 1024 ** 4, '5 TiB'],
])('%d bytes read as %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

test.each([
  [-5, '0 s'],
  [0, '0 s'],
  [420, '0.4 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
  [100 * 3_600_000, '4 d 4 h'],
])('%d milliseconds read as %s', (ms, text) => expect(durationText(ms)).toBe(text))

test.each([
  [4_000, '0:04'],
  [750_000, '12:30'],
  [3_723_000, '1:02:03'],
])('a clock shows %d milliseconds as %s', (ms, text) => expect(clockText(ms)).toBe(text))

test('instants read by how far they are, past and future', () => {
  const now = Date.UTC(2026, 0, 1)
  const at = (ms: number) => new Date(now + ms).toISOString()
  expect(agoText(at(-300), now)).toBe('now')
  expect(agoText(at(-61_000), now)).toBe('1 min ago')
  expect(agoText(at(-3 * 86_400_000), now)).toBe('3 d ago')
  expect(agoText(at(7_200_000), now)).toBe('in 2 h')
})

test('thousands stand apart, and one of a thing is not many', () => {
  expect(grouped('11416678681')).toBe('11,416,678,681')
  expect(grouped(12)).toBe('12')
  expect(grouped('1234.025776')).toBe('1,234.025776')
  expect(count(1, 'task')).toBe('1 task')
  expect(count(1000, 'task')).toBe('1,000 tasks')
})

test('a short id is enough to name a thing again', () => {
  expect(shortId('job_06h05cg0rsaa4pe3rzhwf94wng')).toBe('job_06h05cg0rsaa')
})

test('what a stranger wrote cannot move the cursor or colour the screen', () => {
  expect(plainText('a\u001b[31mb\u0007\u009b2J')).toBe('a\ufffd[31mb\ufffd\ufffd2J')
})
