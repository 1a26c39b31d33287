import { concat } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader } from './frame-reader.ts'
import { LinkError } from './link-error.ts'

function frame(body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(body.length >>> 8, body.length & 255), body)
}

test('frames come out as they went in, however the stream was cut', () => {
  const bodies = fc.array(fc.uint8Array({ minLength: 16, maxLength: 300 }), { maxLength: 20 })
  fc.assert(
    fc.property(bodies, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (frames, cuts) => {
      const stream = concat(...frames.map(frame))
      const reader = new FrameReader()
      const found: Uint8Array[] = []
      for (let at = 0, i = 0; at < stream.length; i++) {
        const cut = cuts[i % cuts.length]!
        reader.push(stream.subarray(at, at + cut))
        at += cut
        for (let body = reader.next(); body; body = reader.next()) found.push(body.slice())
      }
      expect(found).toEqual(frames)
      expect(reader.buffered).toBe(0)
    }),
  )
})

test('a frame too short to be sealed is refused', () => {
  const reader = new FrameReader()
  reader.push(Uint8Array.of(0, 15, 1, 2, 3))
  expect(() => reader.next()).toThrow('a frame of 15 bytes')
})

test('any bytes are frames, the beginning of one, or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), (pieces) => {
      expect(['read', 'link.frame_invalid']).toContain(outcome(pieces))
    }),
  )
})

function outcome(pieces: readonly Uint8Array[]): string {
  const reader = new FrameReader()
  try {
    for (const piece of pieces) {
      reader.push(piece)
      while (reader.next());
    }
    return 'read'
  } catch (error) {
    return error instanceof LinkError ? error.code : 'a fault'
  }
}
