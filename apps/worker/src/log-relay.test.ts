import { expect, test } from 'vitest'
import { utf8 } from '@fog/kernel'
import { LogRelay } from './log-relay.ts'

function relay() {
  const sent: { stream: string; text: string; sequence: number }[] = []
  const state = { isOpen: true }
  const log = new LogRelay({
    attempt: { attemptId: 'att_1', fence: 1 },
    send: ({ stream, text, sequence }) => {
      if (state.isOpen) sent.push({ stream, text, sequence })
      return state.isOpen
    },
  })
  return { log, sent, state }
}

test('a character cut in two is shown whole', () => {
  const { log, sent } = relay()
  const bytes = utf8('grün')
  log.print('stdout', bytes.subarray(0, 3))
  log.print('stdout', bytes.subarray(3))
  expect(sent.map(({ text }) => text).join('')).toBe('grün')
})

test('long text is cut between characters into messages that fit', () => {
  const { log, sent } = relay()
  log.print('stdout', utf8(`x${'😀'.repeat(20_000)}`))
  expect(sent.length).toBeGreaterThan(2)
  expect(sent.every(({ text }) => text.length <= 16_384)).toBe(true)
  expect(sent.map(({ text }) => text).join('')).toBe(`x${'😀'.repeat(20_000)}`)
  expect(sent.map(({ sequence }) => sequence)).toEqual(sent.map((_, i) => i))
})

test('what could not be sent is counted and said once there is a way again', () => {
  const { log, sent, state } = relay()
  state.isOpen = false
  log.print('stdout', utf8('lost'))
  log.print('stderr', utf8('too'))
  state.isOpen = true
  log.print('stdout', utf8('back'))
  expect(sent).toEqual([
    { stream: 'system', text: '[fog] 7 bytes were not shown live\n', sequence: 0 },
    { stream: 'stdout', text: 'back', sequence: 1 },
  ])
})

test('a NUL does not travel, and the rest of a broken character is shown at the end', () => {
  const { log, sent } = relay()
  log.print('stdout', Uint8Array.of(65, 0, 66, 0xc3))
  log.end()
  expect(sent.map(({ text }) => text).join('')).toBe('A\ufffdB\ufffd')
})
