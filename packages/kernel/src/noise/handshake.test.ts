import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assert, fromHex, toHex, utf8 } from '../index.ts'
import { noiseSuite, type NoiseHash } from '../node/index.ts'
import { type CipherState, NoiseHandshake, type NoiseSession } from './index.ts'

type Side = 'init' | 'resp'
type Vector = Partial<Record<`${Side}_${'prologue' | 'static' | 'ephemeral' | 'remote_static'}`, string>> &
  Record<`${Side}_psks`, readonly string[]> & {
    readonly protocol_name: string
    readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[]
  }

const VECTORS = join(import.meta.dirname, '../../vectors/noise.json')
const { vectors } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { vectors: readonly Vector[] }
const suite = noiseSuite()

function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  assert(bytes, 'a vector is hex')
  return bytes
}

function sideOf(vector: Vector, role: 'initiator' | 'responder'): NoiseHandshake {
  const [, pattern = '', , , hash] = vector.protocol_name.split('_')
  const own = noiseSuite(hash as NoiseHash)
  const side = role === 'initiator' ? 'init' : 'resp'
  const keys = (secret: string | undefined) =>
    secret === undefined ? undefined : { secretKey: hex(secret), publicKey: own.publicKeyOf(hex(secret)) }
  const remoteStatic = vector[`${side}_remote_static`]
  return new NoiseHandshake(own, {
    pattern,
    role,
    prologue: hex(vector[`${side}_prologue`] ?? ''),
    staticKeys: keys(vector[`${side}_static`]),
    ephemeralKeys: keys(vector[`${side}_ephemeral`]),
    remoteStatic: remoteStatic === undefined ? undefined : hex(remoteStatic),
    psks: vector[`${side}_psks`].map(hex),
  })
}

describe('the published vectors', () => {
  test.each(vectors)('$protocol_name', (vector) => {
    expect(replay(vector)).toEqual(vector.messages)
  })
})

/** Writes and reads the vector's messages by turns: handshake first, then the session's. */
function replay(vector: Vector): { payload: string; ciphertext: string }[] {
  const sides = [sideOf(vector, 'initiator'), sideOf(vector, 'responder')] as const
  const oneWay = /_[NKX]_/.test(vector.protocol_name)
  let sessions: readonly [NoiseSession, NoiseSession] | undefined
  return vector.messages.map(({ payload, ciphertext }, i) => {
    const from = oneWay ? 0 : i % 2
    if (!sides[0].isComplete) {
      const written = sides[from]!.write(hex(payload))
      return { ciphertext: toHex(written), payload: toHex(sides[1 - from]!.read(hex(ciphertext))) }
    }
    sessions ??= [sides[0].split(), sides[1].split()]
    const sealed = sessions[from]!.send.seal(hex(payload))
    return { ciphertext: toHex(sealed), payload: toHex(sessions[1 - from]!.receive.open(hex(ciphertext))) }
  })
}

/** All of the fundamental patterns, with and without shared keys. */
const PATTERNS = [
  'N',
  'K',
  'X',
  'NN',
  'NK',
  'NX',
  'KN',
  'KK',
  'KX',
  'XN',
  'XK',
  'XX',
  'IN',
  'IK',
  'IX',
  'XXpsk3',
  'NNpsk0',
  'IKpsk1+psk2',
]

function pair(pattern: string): [NoiseHandshake, NoiseHandshake] {
  const [a, b] = [suite.makeKeyPair(), suite.makeKeyPair()]
  const psks = pattern
    .split('psk')
    .slice(1)
    .map((_, i) => new Uint8Array(32).fill(i + 1))
  const common = { pattern, prologue: utf8('fog'), psks }
  return [
    new NoiseHandshake(suite, {
      ...common,
      role: 'initiator',
      staticKeys: a,
      remoteStatic: knows(pattern, 0, b.publicKey),
    }),
    new NoiseHandshake(suite, {
      ...common,
      role: 'responder',
      staticKeys: b,
      remoteStatic: knows(pattern, 1, a.publicKey),
    }),
  ]
}

/** The peer's key, only where the pattern has it known beforehand. */
function knows(pattern: string, side: 0 | 1, key: Uint8Array): Uint8Array | undefined {
  const letters = pattern.split('psk')[0]!
  const known = side === 0 ? letters.length === 1 || letters.endsWith('K') : letters.startsWith('K')
  return known ? key : undefined
}

function finish([a, b]: readonly [NoiseHandshake, NoiseHandshake]): [NoiseSession, NoiseSession] {
  for (let turn = 0; !a.isComplete; turn++) {
    const [from, to] = turn % 2 === 0 ? [a, b] : [b, a]
    expect(toHex(to.read(from.write(utf8(`hello ${turn}`))))).toBe(toHex(utf8(`hello ${turn}`)))
  }
  return [a.split(), b.split()]
}

describe('any pattern', () => {
  test.each(PATTERNS)('%s ends with the same hash on both sides, and keys that fit', (pattern) => {
    const [a, b] = finish(pair(pattern))
    expect(toHex(a.handshakeHash)).toBe(toHex(b.handshakeHash))
    const exchange = (from: CipherState, to: CipherState, text: string) =>
      expect(to.open(from.seal(utf8(text), utf8('ad')), utf8('ad'))).toEqual(utf8(text))
    exchange(a.send, b.receive, 'there')
    exchange(b.send, a.receive, 'and back')
    a.send.rekey()
    b.receive.rekey()
    exchange(a.send, b.receive, 'with a new key')
  })

  test.each(PATTERNS)('%s refuses a handshake with any byte changed or missing', (pattern) => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), fc.nat(2), (at, change, cut, turn) => {
        const sides = pair(pattern)
        // What is bent in clear shows with the next message, or at the first data.
        const bend = (message: Uint8Array) => {
          if (cut) return message.subarray(0, at % message.length)
          return message.with(at % message.length, message[at % message.length]! ^ change)
        }
        expect(() => meet(sides, turn, bend)).toThrow('not genuine')
      }),
      { numRuns: 40 },
    )
  })
})

/** A whole handshake and one message each way, the message of one turn bent on its way. */
function meet(
  sides: readonly [NoiseHandshake, NoiseHandshake],
  bent: number,
  bend: (message: Uint8Array) => Uint8Array,
): void {
  let turn = 0
  const onTheWay = (message: Uint8Array) => (turn++ === bent ? bend(message) : message)
  while (!(sides[0].isComplete && sides[1].isComplete)) {
    const [from, to] = turn % 2 === 0 ? sides : ([sides[1], sides[0]] as const)
    to.read(onTheWay(from.write(new Uint8Array(8))))
  }
  const [a, b] = [sides[0].split(), sides[1].split()]
  for (let i = 0; i < 3; i++) b.receive.open(onTheWay(a.send.seal(utf8('x'))))
}

describe('a session', () => {
  test('refuses what is changed, repeated or out of order, and goes on with what is due', () => {
    const [a, b] = finish(pair('XK'))
    const [one, two] = [a.send.seal(utf8('one')), a.send.seal(utf8('two'))]
    expect(() => b.receive.open(two)).toThrow('not genuine')
    const bent = one.slice()
    bent[0]! ^= 1
    expect(() => b.receive.open(bent)).toThrow('not genuine')
    expect(b.receive.open(one)).toEqual(utf8('one'))
    expect(() => b.receive.open(one)).toThrow('not genuine')
    expect(b.receive.open(two)).toEqual(utf8('two'))
    expect(() => b.receive.open(new Uint8Array(15))).toThrow('not genuine')
  })

  test('opens datagrams in any order by the nonce each carries', () => {
    const [a, b] = finish(pair('IK'))
    const sealed = [0, 1, 2].map((nonce) => {
      expect(a.send.nonce).toBe(nonce)
      return a.send.seal(utf8(`number ${nonce}`))
    })
    for (const nonce of [2, 0, 1]) {
      const out = new Uint8Array(8)
      expect(b.receive.openAt(nonce, out, sealed[nonce]!)).toBe(true)
      expect(out).toEqual(utf8(`number ${nonce}`))
    }
    const out = new Uint8Array(8)
    for (const nonce of [1, -1, 0.5, Number.MAX_SAFE_INTEGER, Number.NaN]) {
      expect(b.receive.openAt(nonce, out, sealed[0]!)).toBe(false)
    }
  })

  test('refuses a message longer than the specification allows', () => {
    const [a] = finish(pair('XK'))
    expect(() => a.send.seal(new Uint8Array(65_520))).toThrow('65536 bytes exceeds 65535')
  })
})

describe('a handshake', () => {
  test('refuses points of low order, which would make a secret everybody knows', () => {
    const [, b] = pair('XX')
    const zero = new Uint8Array(32)
    b.read(zero)
    expect(() => b.write()).toThrow('not genuine')
  })

  test('is written and read by turns', () => {
    const [a, b] = pair('XX')
    expect(() => b.write()).toThrow('out of its turn')
    expect(() => a.split()).toThrow('out of its turn')
    a.write()
    expect(() => a.write()).toThrow('out of its turn')
  })

  test('with other prologues on both sides comes to nothing', () => {
    const keys = suite.makeKeyPair()
    const a = new NoiseHandshake(suite, {
      pattern: 'NK',
      role: 'initiator',
      remoteStatic: keys.publicKey,
      prologue: utf8('a'),
    })
    const b = new NoiseHandshake(suite, { pattern: 'NK', role: 'responder', staticKeys: keys, prologue: utf8('b') })
    const first = a.write()
    expect(() => b.read(first)).toThrow('not genuine')
    expect(() => b.write()).toThrow('out of its turn')
  })

  test('says which key is missing, and which pattern is not known', () => {
    expect(() => new NoiseHandshake(suite, { pattern: 'XK', role: 'initiator' })).toThrow('XK needs the key rs')
    expect(() => new NoiseHandshake(suite, { pattern: 'XXpsk9', role: 'initiator' })).toThrow(
      'no Noise handshake pattern XXpsk9',
    )
    expect(() => new NoiseHandshake(suite, { pattern: 'XXpsk3', role: 'initiator' })).toThrow('needs the key psk')
  })
})
