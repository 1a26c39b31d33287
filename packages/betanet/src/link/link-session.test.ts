import { noiseSuite } from '@fog/kernel/node'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FRAME_HEAD_BYTES } from './frame-reader.ts'
import { BODY_AT, FRAME_OVERHEAD_BYTES, LINK_MESSAGE, LinkSession } from './link-session.ts'

const suite = noiseSuite()

function body(frame: Uint8Array): Uint8Array {
  return frame.subarray(FRAME_HEAD_BYTES)
}

function pair(): { a: LinkSession; b: LinkSession } {
  const [own, other] = [suite.makeKeyPair(), suite.makeKeyPair()]
  const a = new LinkSession(suite, { own, remote: other.publicKey })
  return { a, b: new LinkSession(suite, { own: other }) }
}

function opened(): { a: LinkSession; b: LinkSession } {
  const { a, b } = pair()
  const second = b.shake(body(a.begin()))
  const third = a.shake(body(second!))
  expect(b.shake(body(third!))).toBeUndefined()
  return { a, b }
}

function sealed(from: LinkSession, content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(content.length + FRAME_OVERHEAD_BYTES)
  frame.set(content, BODY_AT)
  return from.seal(frame, LINK_MESSAGE.packets, content.length).slice()
}

function unsealed(to: LinkSession, frame: Uint8Array): Uint8Array {
  const out = new Uint8Array(70_000)
  const bytes = to.open(body(frame), out)
  expect(out[0]).toBe(LINK_MESSAGE.packets)
  return out.slice(1, bytes)
}

describe('a link', () => {
  test('is open after three frames, and each side has proved its key', () => {
    const { a, b } = opened()
    expect(a.isOpen && b.isOpen).toBe(true)
    expect(a.remoteKey).toHaveLength(32)
    expect(b.remoteKey).toHaveLength(32)
  })

  test('carries messages both ways, and nothing of them in clear', () => {
    const { a, b } = opened()
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 5000 }), fc.boolean(), (content, forth) => {
        const [from, to] = forth ? [a, b] : [b, a]
        const frame = sealed(from, content)
        expect(Buffer.from(frame).includes(Buffer.from(content.subarray(0, 20)))).toBe(false)
        expect(unsealed(to, frame)).toEqual(content)
      }),
    )
  })

  test('ends at any frame that is bent, repeated or out of order', () => {
    const { a, b } = opened()
    const frame = sealed(a, new Uint8Array(100).fill(7))
    fc.assert(
      fc.property(
        fc.integer({ min: FRAME_HEAD_BYTES, max: frame.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          expect(() => unsealed(b, frame.with(at, frame[at]! ^ change))).toThrow('none of the link protocol')
        },
      ),
    )
    const next = sealed(a, new Uint8Array(1))
    expect(() => unsealed(b, next)).toThrow('none of the link protocol')
    expect(unsealed(b, frame)).toHaveLength(100)
    expect(() => unsealed(b, frame)).toThrow('none of the link protocol')
  })

  test('does not open to somebody who has another key than the one expected', () => {
    const impostor = new LinkSession(suite, { own: suite.makeKeyPair() })
    const { a } = pair()
    expect(() => impostor.shake(body(a.begin()))).toThrow('not genuine')
  })

  test('refuses whatever bytes come instead of a handshake or a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => pair().b.shake(bytes)).toThrow('not genuine')
        expect(() => opened().b.open(bytes, new Uint8Array(300))).toThrow('none of the link protocol')
      }),
      { numRuns: 50 },
    )
  })

  test('neither seals nor opens before it is open', () => {
    const { a } = pair()
    expect(() => sealed(a, new Uint8Array(3))).toThrow('none of the link protocol')
    expect(() => a.open(new Uint8Array(40), new Uint8Array(40))).toThrow('none of the link protocol')
  })
})
