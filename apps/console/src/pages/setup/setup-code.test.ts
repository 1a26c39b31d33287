import { expect, test } from 'vitest'
import { codeFromHash } from './setup-code.ts'

test('the code is read from behind the hash, and nothing is no code', () => {
  expect([codeFromHash('#code=abc123'), codeFromHash(''), codeFromHash('#other=1')]).toEqual(['abc123', '', ''])
})
