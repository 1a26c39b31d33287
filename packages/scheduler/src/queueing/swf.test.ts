import { expect, test } from 'vitest'
import { readSwf } from './swf.ts'

const HEADER = '; Version: 2.2\n; MaxProcs: 100\n'
const line = (...fields: number[]) => fields.join(' ')

test('a log is read with the processors and the time asked for, by submission', () => {
  const second = line(16, 600_022, 11_940, 2_488, 25, -1, -1, 25, 3_600, -1, 1, 13, 13, -1, -1, -1, -1, -1)
  const first = line(15, 599_850, 192_180, 3_477, 4, -1, -1, 8, 53_940, -1, 1, 12, 12, 7, -1, -1, -1, -1)
  expect(readSwf('a log', `${HEADER}  ${second}\n ${first}\n`)).toEqual({
    name: 'a log',
    processors: 100,
    jobs: [
      { jobNumber: 15, submittedAt: 599_850, runSeconds: 3_477, width: 8, askedSeconds: 53_940, user: 12, program: 7 },
      { jobNumber: 16, submittedAt: 600_022, runSeconds: 2_488, width: 25, askedSeconds: 3_600, user: 13, program: -1 },
    ],
  })
})

test('a job never has less time than it took, takes what it used when it asked for nothing, and must have run', () => {
  const over = line(1, 0, 0, 500, 2, -1, -1, -1, 400, -1, 1, 1, 1, -1, -1, -1, -1, -1)
  const never = line(2, 0, 0, 1, -1, -1, -1, -1, 600, -1, 1, 1, 1, -1, -1, -1, -1, -1)
  expect(readSwf('a log', `${HEADER}${over}\n${never}`).jobs).toMatchObject([{ width: 2, askedSeconds: 500 }])
})

test('a line that is cut off is named', () => {
  expect(() => readSwf('a log', `${HEADER}1 2 3`)).toThrow('line 3 of a log has not 18 numbers')
  expect(() => readSwf('a log', '1 2 3')).toThrow('how many processors')
})
