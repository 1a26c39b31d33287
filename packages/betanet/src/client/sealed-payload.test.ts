import { systemRng, noiseSuite } from '@fog/kernel/node'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFragment } from '../fragment.ts'
import { geometry, newSurb, suites } from '../sphinx/index.ts'
import { encodeAsk, encodeFragmentContent, encodeLoop, fragmentRoom, parseContent } from './content.ts'
import { contentBytesOf, openPayload, sealPayload } from './sealed-payload.ts'

const noise = noiseSuite()
const suite = suites.betanetKemX25519
const { payloadBytes, surbBytes } = geometry(suite)
const [ann, bob, eve] = [noise.makeKeyPair(), noise.makeKeyPair(), noise.makeKeyPair()]
const sealed = (content: Uint8Array) => sealPayload(noise, { own: ann, to: bob.publicKey, payloadBytes }, content)!

describe('a sealed payload', () => {
  test('fills its packet, and opens for its recipient only, who learns its sender', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: contentBytesOf(payloadBytes) }), (content) => {
        const payload = sealed(content)
        expect(payload).toHaveLength(payloadBytes)
        const opened = openPayload(noise, bob, payload)
        expect(Buffer.from(opened!.from).equals(ann.publicKey)).toBe(true)
        expect(Buffer.from(opened!.content.subarray(0, content.length)).equals(content)).toBe(true)
        expect(opened!.content.subarray(content.length).every((byte) => byte === 0)).toBe(true)
        expect(openPayload(noise, eve, payload)).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  test('with any bit flipped or byte missing is refused, so nobody speaks in another’s name', () => {
    const payload = sealed(Uint8Array.of(1, 2, 3))
    fc.assert(
      fc.property(fc.nat(payloadBytes * 8 - 1), (bit) => {
        const bent = payload.slice()
        bent[bit >> 3]! ^= 1 << (bit & 7)
        expect(openPayload(noise, bob, bent)).toBeUndefined()
        expect(openPayload(noise, bob, payload.subarray(0, bit >> 3))).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })

  test('is not made for a point of low order', () => {
    const to = new Uint8Array(32)
    expect(sealPayload(noise, { own: ann, to, payloadBytes }, Uint8Array.of(1))).toBeUndefined()
  })
})

describe('a content', () => {
  const hop = { id: systemRng.bytes(32), publicKey: noise.makeKeyPair().publicKey }
  const { surb } = newSurb(suite, [{ ...hop, recipient: ann.publicKey }], systemRng.bytes(16), systemRng)
  const messageId = systemRng.bytes(16)
  const padded = (content: Uint8Array) => {
    const whole = new Uint8Array(contentBytesOf(payloadBytes))
    whole.set(content)
    return whole
  }

  test('is read as it was written, with its reply block or without', () => {
    const room = fragmentRoom(contentBytesOf(payloadBytes), surbBytes)
    const fragment = encodeFragment({ messageId, index: 0, count: 1, data: systemRng.bytes(room - 23) })
    const withSurb = parseContent(suite, padded(encodeFragmentContent(1_234, fragment, surb)))
    expect(withSurb).toMatchObject({ kind: 'fragment', sentAt: 1_234, surb })
    const without = parseContent(suite, padded(encodeFragmentContent(1_234, fragment)))
    expect(without).toMatchObject({ kind: 'fragment', surb: undefined })
    const ask = parseContent(suite, padded(encodeAsk(5, { messageId, count: 300, surb })))
    expect(ask).toEqual({ kind: 'ask', sentAt: 5, messageId, count: 300, surb })
    expect(parseContent(suite, padded(encodeLoop(6, messageId)))).toEqual({
      kind: 'loop',
      sentAt: 6,
      loopId: messageId,
    })
  })

  test('that is none, whatever its bytes, is none', () => {
    for (const length of [0, 1, 8, 9, 20, 30]) expect(parseContent(suite, new Uint8Array(length))).toBeUndefined()
    expect(parseContent(suite, encodeAsk(5, { messageId, count: 3, surb: surb.slice(0, 100) }))).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_952 }), (bytes) => {
        const content = parseContent(suite, bytes)
        expect(content === undefined || Number.isSafeInteger(content.sentAt)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
