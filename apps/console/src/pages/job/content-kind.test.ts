import { expect, test } from 'vitest'
import { kindOf } from './content-kind.ts'

const text = (content: string) => new TextEncoder().encode(content)

test('pictures are told by how they begin', () => {
  expect(kindOf(text('P6\n1 1 255\n...'))).toBe('picture')
  expect(kindOf(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]))).toBe('picture')
})

test('text may have any letters, and one cut in half at the end', () => {
  expect(kindOf(text('größer, 日本'))).toBe('text')
  expect(kindOf(text('größer, 日本').subarray(0, -1))).toBe('text')
})

test('what has zero bytes or breaks UTF-8 in its middle is neither', () => {
  expect(kindOf(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))).toBe('other')
  expect(kindOf(new Uint8Array([0x61, 0xff, 0x61]))).toBe('other')
})
