import { expect, test } from 'vitest'
import { utf8 } from '@fog/kernel'
import { LogTape } from './log-tape.ts'

test('the reader gets what was written since it last looked, by stream', () => {
  const tape = LogTape.ofLength(1000)
  tape.write('stdout', utf8('one '))
  tape.write('stdout', utf8('two'))
  tape.write('stderr', utf8('three'))
  const first = tape.read(0)
  expect(first.entries.map(text)).toEqual(['stdout: one two', 'stderr: three'])
  tape.write('stdout', utf8('four'))
  expect(tape.read(first.next).entries.map(text)).toEqual(['stdout: four'])
  tape.clear()
  expect(tape.read(0).entries).toEqual([])
})

test('what does not fit is cut, and the tape says that it is full', () => {
  const tape = LogTape.ofLength(14)
  tape.write('stdout', utf8('0123456789abcdef'))
  tape.write('stdout', utf8('more'))
  expect(tape.isFull).toBe(true)
  expect(tape.read(0).entries.map(text)).toEqual(['stdout: 0123456789'])
})

test('both threads see the same tape', () => {
  const tape = LogTape.ofLength(100)
  new LogTape(tape.memory).write('stderr', utf8('from there'))
  expect(tape.read(0).entries.map(text)).toEqual(['stderr: from there'])
})

function text({ stream, parts }: { stream: string; parts: readonly Uint8Array[] }): string {
  return `${stream}: ${Buffer.concat(parts).toString()}`
}
