import { expect, test } from 'vitest'
import { ApiError, Unreachable } from '@fog/contract'
import { AmountError } from '@fog/kernel'
import { SdkError } from '@fog/sdk'
import { CliError } from './cli-error.ts'
import { exitCodeOf, Interrupted, programExitCode, runExitCodeOf } from './exit-code.ts'

const refused = (status: number) => new ApiError({ type: '', title: '', status, code: 'x', detail: 'x' })
const document = new SdkError({ code: 'document.malformed', file: 'f', why: 'w' })

test.each([
  ['a refusal', refused(422), 3, 126],
  ['not enough tokens', refused(402), 3, 126],
  ['a wrong token', refused(401), 5, 125],
  ['a missing right', refused(403), 5, 125],
  ['a busy fog', refused(429), 4, 125],
  ['a broken fog', refused(500), 4, 125],
  ['a fog that is not there', new Unreachable('x'), 4, 125],
  ['a wrong document', document, 2, 125],
  ['an amount that is none', new AmountError({ code: 'amount.malformed', text: '-5' }), 2, 125],
  ['a damaged result', new SdkError({ code: 'result.damaged', path: 'p' }), 1, 125],
  ['a missing program', new CliError({ code: 'cli.program_missing', file: 'f', why: 'w' }), 127, 127],
  ['no log-in', new CliError({ code: 'cli.not_logged_in', url: 'u' }), 5, 125],
  ['Ctrl-C', new Interrupted('x'), 130, 130],
  ['a surprise', new TypeError('x'), 1, 125],
])('%s has its own code', (_, fault, code, runCode) => {
  expect([exitCodeOf(fault), runExitCodeOf(fault)]).toEqual([code, runCode])
})

test('a program ends with its own code, and one too large for a process is no success', () => {
  expect(programExitCode({ exitCode: 0 })).toBe(0)
  expect(programExitCode({ exitCode: 7, failure: 'exit_nonzero' })).toBe(7)
  expect(programExitCode({ exitCode: 256, failure: 'exit_nonzero' })).toBe(255)
  expect(programExitCode({ exitCode: -1, failure: 'exit_nonzero' })).toBe(255)
})

test.each([
  ['trapped', 134],
  ['wall_exceeded', 124],
  ['fuel_exhausted', 124],
  ['memory_exceeded', 137],
  ['output_exceeded', 153],
  ['not_loadable', 126],
  ['no_agreement', 125],
  ['attempts_exhausted', 125],
])('a program that %s ends with %d', (failure, code) => expect(programExitCode({ failure })).toBe(code))
