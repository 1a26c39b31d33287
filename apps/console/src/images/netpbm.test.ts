import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeNetpbm, isNetpbm, PictureError } from './netpbm.ts'

const bytes = (header: string, ...data: number[]) => new Uint8Array([...new TextEncoder().encode(header), ...data])

function sizeOrFault(content: Uint8Array): unknown {
  try {
    const { width, height, rgba } = decodeNetpbm(content)
    return rgba.length === width * height * 4 ? 'as it says' : rgba.length
  } catch (thrown) {
    return thrown instanceof PictureError ? 'as it says' : thrown
  }
}

describe('reading pictures', () => {
  test('a raw colour picture keeps its pixels and its comments', () => {
    const picture = decodeNetpbm(bytes('P6\n# row 1 column 2\n2 1\n255\n', 255, 0, 0, 0, 128, 255))
    expect(picture).toMatchObject({ width: 2, height: 1, comments: ['row 1 column 2'] })
    expect([...picture.rgba]).toEqual([255, 0, 0, 255, 0, 128, 255, 255])
  })

  test('a raw grey picture becomes grey pixels, scaled to its largest value', () => {
    expect([...decodeNetpbm(bytes('P5 2 1 15\n', 0, 15)).rgba]).toEqual([0, 0, 0, 255, 255, 255, 255, 255])
  })

  test('two bytes a sample are read with the larger one first', () => {
    expect([...decodeNetpbm(bytes('P5 1 1 65535\n', 0xff, 0xff)).rgba]).toEqual([255, 255, 255, 255])
  })

  test('plain text pictures are read, however their numbers are spread over lines', () => {
    expect([...decodeNetpbm(bytes('P3\n1 2\n255\n1 2\n3\t4 5 # end\n6')).rgba]).toEqual([1, 2, 3, 255, 4, 5, 6, 255])
    expect([...decodeNetpbm(bytes('P1\n2 1\n01')).rgba]).toEqual([255, 255, 255, 255, 0, 0, 0, 255])
  })

  test('a bitmap begins each line at a new byte', () => {
    const picture = decodeNetpbm(bytes('P4 9 2\n', 0x80, 0x00, 0x00, 0x80))
    const dark = Array.from({ length: 18 }, (_, i) => picture.rgba[4 * i] === 0)
    expect(dark.map((is, i) => (is ? i : -1)).filter((i) => i >= 0)).toEqual([0, 17])
  })

  test('a data byte that looks like white space or a comment is data', () => {
    expect([...decodeNetpbm(bytes('P5 2 1 255\n', 0x23, 0x0a)).rgba]).toEqual([35, 35, 35, 255, 10, 10, 10, 255])
  })

  test.each([
    ['a picture that is cut off', bytes('P6 2 2 255\n', 1, 2, 3), /cut off: 3 of 12/],
    ['a header that is cut off', bytes('P6 2'), /height is missing/],
    ['a picture without pixels', bytes('P5 0 4 255\n'), /no pixels/],
    ['a header that asks for gigabytes', bytes('P6 999999 999999 255\n'), /too large/],
    ['another kind of file', bytes('GIF89a'), /not a Netpbm/],
  ])('%s is refused with its reason', (_, content, reason) => {
    expect(() => decodeNetpbm(content)).toThrow(reason)
  })

  test('made-up bytes are decoded or refused, never anything else', () => {
    const content = fc.tuple(fc.constantFrom('P1', 'P2', 'P3', 'P4', 'P5', 'P6'), fc.uint8Array({ maxLength: 60 }))
    fc.assert(
      fc.property(content, ([magic, rest]) => {
        expect(sizeOrFault(bytes(`${magic}\n`, ...rest))).toBe('as it says')
      }),
    )
  })

  test('the beginning tells a picture from text', () => {
    expect([isNetpbm(bytes('P6\n1 1')), isNetpbm(bytes('P6x')), isNetpbm(bytes('P7\n')), isNetpbm(bytes(''))]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})
