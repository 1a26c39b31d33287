import { expect, test } from 'vitest'
import { ManualClock } from '@fog/kernel'
import { StatusLine } from './status-line.ts'

function lineOn(isTerminal: boolean) {
  const written: string[] = []
  const clock = new ManualClock()
  const write = async (text: string | Uint8Array) => void written.push(String(text))
  return { written, clock, line: new StatusLine({ output: { write, isTerminal, columns: 80, rows: 24 }, clock }) }
}

test('on a terminal it changes in place, not more often than eyes can follow', () => {
  const { written, clock, line } = lineOn(true)
  line.update(() => 'one')
  line.update(() => 'too soon')
  clock.advance(100)
  line.update(() => 'two')
  line.end('done')
  expect(written).toEqual(['\r\u001b[Kone', '\r\u001b[Ktwo', '\r\u001b[Kdone\n'])
})

test('in a log there is a line now and then, and the last one', () => {
  const { written, clock, line } = lineOn(false)
  line.update(() => 'at once is too soon')
  clock.advance(5_000)
  line.update(() => 'half')
  line.end('whole')
  expect(written).toEqual(['half\n', 'whole\n'])
})

test('it is taken away before something else is written, and only when it is there', () => {
  const { written, line } = lineOn(true)
  line.clear()
  line.update(() => 'one')
  line.clear()
  line.update(() => 'two')
  expect(written).toEqual(['\r\u001b[Kone', '\r\u001b[K', '\r\u001b[Ktwo'])
})
