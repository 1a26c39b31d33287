import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashFile, hashInPieces } from './hash.ts'

test.each(['', 'abc', 'x'.repeat(300_000)])('both ways of hashing give what everybody gets', async (text) => {
  const expected = createHash('sha256').update(text).digest('hex')
  expect(await hashFile(new Blob([text]))).toBe(expected)
  expect(await hashInPieces(new Blob([text]))).toBe(expected)
})
