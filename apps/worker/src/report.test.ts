import { expect, test } from 'vitest'
import { MAX_CHANNEL_MESSAGE_BYTES, MAX_INLINE_BLOB_BYTES, MAX_INLINE_TOTAL_BYTES } from '@fog/contract'
import { newId, seededRng } from '@fog/kernel'
import type { TaskEnding } from './executor/pool.ts'
import type { KeptContent } from './outputs.ts'
import { isOfContract, packContents, reportOf, type ResultMessage, type TaskResult } from './report.ts'
import { digestOf } from './testing/programs.ts'

const rng = seededRng(5)

test.each([
  [{ status: 'exited', exitCode: 0 }, { ok: true }],
  [{ status: 'exited', exitCode: 3 }, failure('exit_nonzero')],
  [{ status: 'trapped', detail: 'unreachable' }, failure('trapped')],
  [{ status: 'fuel_exhausted' }, failure('fuel_exhausted')],
  [{ status: 'memory_exceeded', exitCode: 1 }, failure('memory_exceeded')],
  [{ status: 'output_exceeded', detail: 'too much' }, failure('output_exceeded')],
  [{ status: 'not_loadable', detail: 'no module' }, failure('not_loadable')],
  [{ status: 'wall_exceeded', detail: 'too long' }, failure('wall_exceeded')],
] satisfies [TaskEnding, object][])('%j is told as %j', (ending, outcome) => {
  expect(reportOf(resultOf({ ending })).outcome).toMatchObject(outcome)
})

test('the digest says how it ended, its fuel, what it printed and what it left', () => {
  const digests = [
    resultOf({}),
    resultOf({ exit: 'exited:1' }),
    resultOf({ fuel: '8' }),
    resultOf({ stdout: content('other') }),
    resultOf({ outputs: [{ path: 'a', ...content('1') }] }),
    resultOf({ outputs: [{ path: 'b', ...content('1') }] }),
    resultOf({ outputs: [{ path: 'a', ...content('2') }] }),
  ].map((result) => reportOf(result).digest)
  expect(new Set(digests).size).toBe(digests.length)
  const noisy = resultOf({ stderr: content('warnings') })
  expect(reportOf(noisy).digest).toBe(digests[0])
})

test('small contents travel inside, each once, within all bounds; the others are uploaded', () => {
  const outputs = Array.from({ length: 30 }, (_, i) => {
    return { path: `out-${i}`, ...content(`${i}`.padEnd(MAX_INLINE_BLOB_BYTES / 2, 'x')) }
  })
  const twin = { ...outputs[0]!, path: 'twin' }
  const large = {
    path: 'large',
    digest: digestOf(Buffer.from('large')),
    size: MAX_INLINE_BLOB_BYTES + 1,
    bytes: undefined,
  }
  const result = resultOf({ outputs: [...outputs, twin, large] })
  const { message, uploads } = packed(result)
  const digests = message.inline.map(({ digest }) => digest)
  expect(new Set(digests).size).toBe(digests.length)
  expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThanOrEqual(MAX_CHANNEL_MESSAGE_BYTES)
  const inlineBytes = message.inline.reduce((sum, { data }) => sum + Buffer.from(data, 'base64url').length, 0)
  expect(inlineBytes).toBeLessThanOrEqual(MAX_INLINE_TOTAL_BYTES)
  const named = new Set(
    [message.report.stdout, message.report.stderr, ...message.report.outputs].map((ref) => ref.digest),
  )
  expect(new Set([...digests, ...uploads.map(({ digest }) => digest)])).toEqual(named)
  expect(isOfContract(message)).toBe(true)
})

test('as many files as a task may leave are told in one message, or the task has failed for it', () => {
  const file = (i: number, length: number) => ({ path: `${i}`.padStart(length, 'f'), ...content('same') })
  const many = Array.from({ length: 8_000 }, (_, i) => file(i, 10))
  const { message } = packed(resultOf({ outputs: many }))
  expect(message.report.outputs).toHaveLength(8_000)
  expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThanOrEqual(MAX_CHANNEL_MESSAGE_BYTES)
  expect(isOfContract(message)).toBe(true)

  const tooMany = Array.from({ length: 10_000 }, (_, i) => file(i, 500))
  const refused = packed(resultOf({ outputs: tooMany })).message
  expect(refused.report.outcome).toMatchObject(failure('output_exceeded'))
  expect(refused.report.outputs).toEqual([])
  expect(isOfContract(refused)).toBe(true)
})

function failure(reason: string) {
  return { ok: false, failure: { reason } }
}

function content(text: string): KeptContent {
  const bytes = Buffer.from(text)
  return { digest: digestOf(bytes), size: bytes.length, bytes }
}

interface Wishes extends Partial<Omit<TaskResult, 'end'>> {
  readonly ending?: TaskEnding
  readonly exit?: string
  readonly fuel?: string
}

function resultOf(wishes: Wishes): TaskResult {
  const { ending = { status: 'exited', exitCode: 0 }, exit = 'exited:0', fuel = '7', ...contents } = wishes
  const measures = { cpuMs: 1.23456, wallMs: 2, peakMemoryBytes: 65_536 }
  const end = { ending, exit, fuel, ...measures, hasContents: true, outputs: [] }
  return { end, stdout: content('out'), stderr: content(''), outputs: [], ...contents }
}

function packed(result: TaskResult) {
  const report = reportOf(result)
  const { inline, uploads } = packContents(report, [result.stdout, result.stderr, ...result.outputs])
  const message: ResultMessage = {
    type: 'result',
    attemptId: newId('attempt', 1, rng),
    fence: 1,
    report: { ...report, signature: 'ab'.repeat(64) },
    inline,
  }
  return { message, uploads }
}
