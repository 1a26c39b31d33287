import { array, assert, dictionary, integer, jsonValue, property, record, string, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, FrameFault, FrameReader, MAX_FRAME_BYTES } from './frames.ts'

const frames = array(
  record({
    message: dictionary(string(), jsonValue()),
    parts: array(uint8Array({ maxLength: 300 })),
  }),
  { maxLength: 8 },
)

test('frames come out as they went in, however the stream is cut', () => {
  assert(
    property(frames, integer({ min: 1, max: 97 }), (sent, step) => {
      const bytes = Buffer.concat(sent.flatMap(({ message, parts }) => encodeFrame(message, parts)))
      const reader = new FrameReader()
      const got = []
      for (let at = 0; at < bytes.length; at += step) got.push(...reader.push(bytes.subarray(at, at + step)))
      const plain = got.map(({ message, parts }) => ({ message, parts: parts.map((part) => [...part]) }))
      const wanted = sent.map(({ message, parts }) => ({ message, parts: parts.map((part) => [...part]) }))
      expect(JSON.stringify(plain)).toBe(JSON.stringify(wanted))
      expect(reader.waitingBytes).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('a frame that is too large is refused before it is gathered', () => {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32LE(MAX_FRAME_BYTES + 1)
  expect(() => [...new FrameReader().push(prefix)]).toThrow(FrameFault)
  expect(() => encodeFrame({}, [new Uint8Array(MAX_FRAME_BYTES)])).toThrow(FrameFault)
})

test.each([
  ['a head longer than its frame', [4, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3, 4]],
  ['a head that is no JSON', frameOf('nonsense')],
  ['a head without sizes', frameOf('{"message":1}')],
  ['a part that leaves its frame', frameOf('{"message":1,"sizes":[5]}')],
  ['a part with a negative size', frameOf('{"message":1,"sizes":[-1]}')],
  ['bytes of no part', frameOf('{"message":1,"sizes":[]}', [1, 2])],
])('refused: %s', (_, bytes) => {
  expect(() => [...new FrameReader().push(Buffer.from(bytes))]).toThrow(FrameFault)
})

function frameOf(head: string, rest: number[] = []): number[] {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32LE(head.length + rest.length, 0)
  prefix.writeUInt32LE(head.length, 4)
  return [...prefix, ...Buffer.from(head), ...rest]
}
