import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogChunkView } from '@fog/contract'
import { concat, fromUtf8, utf8 } from '@fog/kernel'
import { gather, LiveOutput } from './live-output.ts'

type Part = readonly [sequence: number, text: string, more?: { attempt?: string; stream?: LogChunkView['stream'] }]

async function* streamOf(bytes: Uint8Array, size = 3): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function show(parts: readonly Part[], whole: Uint8Array, chunkSize = 3) {
  const written: Uint8Array[] = []
  const write = async (bytes: Uint8Array) => void written.push(bytes)
  const output = new LiveOutput({ stdout: write, stderr: async () => undefined })
  for (const [sequence, text, { attempt = 'a', stream = 'stdout' } = {}] of parts) {
    await output.take({ cursor: '', attemptId: attempt, sequence, stream, text, at: '' })
  }
  const live = concat(...written)
  const isWhole = await output.complete('stdout', streamOf(whole, chunkSize))
  return { live: fromUtf8(live), isWhole, bytes: concat(...written) }
}

test('what was shown live is completed, not repeated', async () => {
  const { live, isWhole, bytes } = await show(
    [
      [0, 'hel'],
      [1, 'lo '],
    ],
    utf8('hello world\n'),
  )
  expect([live, isWhole, fromUtf8(bytes)]).toEqual(['hello ', true, 'hello world\n'])
})

test('without a log the whole output comes at the end', async () => {
  expect((await show([], utf8('all'))).bytes).toEqual(utf8('all'))
})

test('after a gap nothing more is shown live, and the end puts it right', async () => {
  const { live, isWhole, bytes } = await show(
    [
      [0, 'one '],
      [2, 'three'],
    ],
    utf8('one two three'),
  )
  expect([live, isWhole, fromUtf8(bytes)]).toEqual(['one ', true, 'one two three'])
})

test('a word of the platform ends what is shown live', async () => {
  const parts: Part[] = [
    [0, 'one '],
    [1, '[fog] 4 bytes were not shown live\n', { stream: 'system' }],
    [2, 'three'],
  ]
  const { live, bytes } = await show(parts, utf8('one two three'))
  expect([live, fromUtf8(bytes)]).toEqual(['one ', 'one two three'])
})

test('bytes that are no text come exactly, though a log cannot show them', async () => {
  const whole = Uint8Array.of(97, 98, 0xff, 0x00, 99)
  const { live, isWhole, bytes } = await show([[0, 'ab\ufffd\ufffdc']], whole)
  expect([live, isWhole, bytes]).toEqual(['ab', true, whole])
})

test('a second attempt passes over what the first has shown', async () => {
  const parts: Part[] = [
    [0, 'hello '],
    [0, 'hel', { attempt: 'b' }],
    [1, 'lo wor', { attempt: 'b' }],
  ]
  const { live, bytes } = await show(parts, utf8('hello world'))
  expect([live, fromUtf8(bytes)]).toEqual(['hello wor', 'hello world'])
})

test.each(['other', 'hell', '', 'help me'])(
  'output that does not begin as shown (%j) is said to differ',
  async (whole) => {
    expect((await show([[0, 'hello']], utf8(whole))).isWhole).toBe(false)
  },
)

test('however the log is torn apart and wherever it ends, the output is exactly the program’s', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.nat(60)),
      fc.nat(8),
      fc.integer({ min: 1, max: 9 }),
      async (all, cuts, shown, size) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length]
        const pieces = places.slice(1).map((to, i) => all.slice(places[i], to))
        const parts = pieces.slice(0, shown).map((piece, i): Part => [i, piece])
        const { isWhole, bytes } = await show(parts, utf8(all), size)
        // A piece cut inside a pair of surrogates cannot come from a worker, which cuts between characters.
        fc.pre(parts.every(([, piece]) => piece.isWellFormed()))
        expect([isWhole, fromUtf8(bytes)]).toEqual([true, all])
      },
    ),
  )
})

test('what is too large is not gathered', async () => {
  expect(await gather(streamOf(utf8('abcdef')), 6)).toEqual(utf8('abcdef'))
  expect(await gather(streamOf(utf8('abcdefg')), 6)).toBeUndefined()
})
