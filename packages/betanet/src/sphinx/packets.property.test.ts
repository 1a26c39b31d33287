import { seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildPacket,
  buildTracedPacket,
  geometry,
  HopUnwrapper,
  newSurb,
  openSurbReply,
  packetFromSurb,
  type PathHop,
  SphinxError,
  type SphinxSuite,
  suites,
  unwrap,
} from './index.ts'

const kem = suites.betanetKemX25519
const small = suites.betanetKemX25519Small
const RECIPIENT = Uint8Array.from({ length: 32 }, (_, i) => i)
const SURB_ID = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 ^ i)

interface Route {
  readonly path: readonly PathHop[]
  readonly privateKeys: readonly Uint8Array[]
}

function routeOf(suite: SphinxSuite, length: number, seed: number): Route {
  const rng = seededRng(seed)
  const privateKeys = Array.from({ length }, () => rng.bytes(32))
  const path = privateKeys.map((key, i): PathHop => {
    const delay = suite.delays === 'class' ? { delayClass: i } : { delayMs: 1000 * i }
    const last = i === length - 1
    const { publicKey } = new HopUnwrapper(suite, key)
    return { id: rng.bytes(32), publicKey, ...(last ? { recipient: RECIPIENT } : delay) }
  })
  return { path, privateKeys }
}

/** Every form of the packet on its way, and what came out at the end. */
function travel(suite: SphinxSuite, { privateKeys }: Route, first: Uint8Array) {
  const forms = [first]
  const seen: object[] = []
  for (const key of privateKeys) {
    const got = unwrap(suite, key, forms.at(-1)!)
    if (got.kind !== 'forward') return { forms, end: got, seen }
    seen.push({ nextHop: got.nextHop, delayMs: got.delayMs, delayClass: got.delayClass })
    forms.push(got.packet)
  }
  throw new Error('the packet never arrived')
}

function askedOf({ delayMs = 0, delayClass = 0 }: PathHop, { id }: PathHop): object {
  return { nextHop: id, delayMs, delayClass }
}

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof SphinxError) return error.code
    throw error
  }
  return 'nothing'
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice()
  changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}

const trips = fc.record({
  length: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(),
  payload: fc.uint8Array({ maxLength: 532 }),
  epochParity: fc.constantFrom(0 as const, 1 as const),
})

describe.each([
  { suite: kem, numRuns: 60 },
  { suite: small, numRuns: 60 },
  { suite: suites.katzenpostX25519, numRuns: 8 },
])('$suite.name', ({ suite, numRuns }) => {
  const sizes = geometry(suite)
  const filled = (payload: Uint8Array) => Uint8Array.from({ length: sizes.payloadBytes }, (_, i) => payload[i] ?? 0)

  test('any payload arrives by any path, at one size all the way', () => {
    fc.assert(
      fc.property(trips, ({ length, seed, payload: wanted, epochParity }) => {
        const payload = wanted.subarray(0, sizes.payloadBytes)
        const route = routeOf(suite, length, seed)
        const first = buildPacket(suite, route.path, payload, seededRng(seed + 1), { epochParity })
        const { forms, end, seen } = travel(suite, route, first)
        expect(seen).toEqual(route.path.slice(1).map((hop, i) => askedOf(route.path[i]!, hop)))
        expect(end).toMatchObject({ kind: 'deliver', recipient: RECIPIENT, payload: filled(payload) })
        expect(forms.every((form) => form.length === sizes.packetBytes)).toBe(true)
      }),
      { numRuns },
    )
  })

  test('any answer comes back by a reply block, once', () => {
    fc.assert(
      fc.property(trips, ({ length, seed, payload: wanted, epochParity }) => {
        const payload = wanted.subarray(0, sizes.payloadBytes)
        const route = routeOf(suite, length, seed)
        const { surb, keys } = newSurb(suite, route.path, SURB_ID, seededRng(seed + 1), { epochParity })
        expect(surb.length).toBe(sizes.surbBytes)
        expect(keys.length).toBe((length + 1) * sizes.payloadKeyBytes)
        const { firstHop, packet } = packetFromSurb(suite, surb, payload)
        expect(firstHop).toEqual(route.path[0]!.id)
        const { end } = travel(suite, route, packet)
        if (end.kind !== 'surb-reply') throw new Error('a reply comes back as one')
        expect(end.surbId).toEqual(SURB_ID)
        expect(end.recipient).toEqual(RECIPIENT)
        expect(openSurbReply(suite, keys, end.payload)).toEqual(filled(payload))
        expect(keys.every((byte) => byte === 0)).toBe(true)
        expect(codeOf(() => openSurbReply(suite, keys, end.payload))).toBe('sphinx.surb_used')
      }),
      { numRuns },
    )
  })

  test('what is on one link has nothing in common with what is on the next', () => {
    const route = routeOf(suite, 5, 11)
    const { forms } = travel(suite, route, buildPacket(suite, route.path, new Uint8Array(0), seededRng(12)))
    for (const [i, form] of forms.entries()) {
      for (const other of forms.slice(i + 1)) {
        const alike = form.subarray(2).filter((byte, at) => byte === other[2 + at]).length
        // One in 256 by chance; five standard deviations above that.
        expect(alike).toBeLessThan(form.length / 256 + 5 * Math.sqrt(form.length / 256))
        expect(windowsInCommon(form, other)).toBe(0)
      }
    }
  })

  test('a changed bit of the header stops the packet at once', () => {
    const route = routeOf(suite, 2, 15)
    const packet = buildPacket(suite, route.path, new Uint8Array(0), seededRng(16))
    const hop = new HopUnwrapper(suite, route.privateKeys[0]!)
    fc.assert(
      fc.property(fc.nat(8 * sizes.headerBytes - 1), (bit) => {
        expect(hop.unwrap(Buffer.from(flipped(packet, bit)), 0)).toBe('dropped')
      }),
      { numRuns: 200 },
    )
  })

  test('a packet opens with no other key', () => {
    const route = routeOf(suite, 2, 21)
    const packet = buildPacket(suite, route.path, new Uint8Array(0), seededRng(22))
    expect(codeOf(() => unwrap(suite, route.privateKeys[1]!, packet))).toBe('sphinx.header_forged')
  })

  test('every other length and version is refused', () => {
    const route = routeOf(suite, 1, 31)
    const packet = buildPacket(suite, route.path, new Uint8Array(0), seededRng(32))
    const open = (bytes: Uint8Array) => codeOf(() => unwrap(suite, route.privateKeys[0]!, bytes))
    for (const length of [0, 1, sizes.headerBytes, sizes.packetBytes - 1]) {
      expect(open(packet.subarray(0, length))).toBe('sphinx.length_wrong')
    }
    expect(open(Buffer.concat([packet, Buffer.of(0)]))).toBe('sphinx.length_wrong')
    for (let bit = 0; bit < 8; bit++) expect(open(flipped(packet, bit))).toBe('sphinx.version_unknown')
  })

  test('points of low order and encodings that are not canonical are refused', () => {
    const route = routeOf(suite, 1, 41)
    const packet = buildPacket(suite, route.path, new Uint8Array(0), seededRng(42))
    const high = `${'ff'.repeat(30)}7f`
    for (const point of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      `ec${high}`,
      `ed${high}`,
      `ee${high}`,
      'ff'.repeat(32),
    ]) {
      const forged = packet.slice()
      forged.set(Buffer.from(point, 'hex'), sizes.elementAt)
      expect(codeOf(() => unwrap(suite, route.privateKeys[0]!, forged))).toBe('sphinx.point_refused')
      const path = [{ ...route.path[0]!, publicKey: Buffer.from(point, 'hex') }]
      expect(codeOf(() => buildPacket(suite, path, new Uint8Array(0), seededRng(1)))).toBe('sphinx.path_invalid')
    }
  })
})

describe('a changed bit', () => {
  test('anywhere in the header stops the packet at that hop', () => {
    const route = routeOf(small, 3, 51)
    const { forms } = travel(small, route, buildPacket(small, route.path, new Uint8Array(9), seededRng(52)))
    for (const [i, form] of forms.entries()) {
      const hop = new HopUnwrapper(small, route.privateKeys[i]!)
      for (let bit = 0; bit < 8 * geometry(small).headerBytes; bit++) {
        expect(hop.unwrap(Buffer.from(flipped(form, bit)), 0)).toBe('dropped')
      }
    }
  })

  test('anywhere in the payload is seen at the end only, where nothing but garbage comes out', () => {
    const { blockAt, packetBytes } = geometry(kem)
    const route = routeOf(kem, 3, 61)
    const packet = buildPacket(kem, route.path, Buffer.alloc(2048, 'x'), seededRng(62))
    const clean = travel(kem, route, packet).forms
    fc.assert(
      fc.property(fc.integer({ min: 8 * blockAt, max: 8 * packetBytes - 1 }), (bit) => {
        const first = unwrap(kem, route.privateKeys[0]!, flipped(packet, bit))
        if (first.kind !== 'forward') throw new Error('nothing is amiss yet')
        expect(first.packet.subarray(0, blockAt)).toEqual(clean[1]!.subarray(0, blockAt))
        const alike = first.packet.subarray(blockAt).filter((byte, i) => byte === clean[1]![blockAt + i]).length
        expect(alike).toBeLessThan(40)
        const second = unwrap(kem, route.privateKeys[1]!, first.packet)
        if (second.kind !== 'forward') throw new Error('nothing is amiss yet')
        expect(codeOf(() => unwrap(kem, route.privateKeys[2]!, second.packet))).toBe('sphinx.payload_broken')
      }),
      { numRuns: 200 },
    )
  })

  test('in a reply’s payload is seen by the owner, whose keys are spent', () => {
    const route = routeOf(small, 2, 71)
    const { surb, keys } = newSurb(small, route.path, SURB_ID, seededRng(72))
    const { packet } = packetFromSurb(small, surb, new Uint8Array(3))
    const { end } = travel(small, route, flipped(packet, 8 * geometry(small).packetBytes - 1))
    expect(codeOf(() => openSurbReply(small, keys, end.payload))).toBe('sphinx.payload_broken')
    expect(keys.every((byte) => byte === 0)).toBe(true)
  })
})

test('an observer finds the same bits fixed in forward and reply packets, whatever the length of the path', () => {
  const rounds = 400
  const routes = [1, 2, 3, 4, 5].map((length) => routeOf(small, length, length))
  const rng = seededRng(81)
  const forward = fixedBits(rounds, (i) => buildPacket(small, routes[i % 5]!.path, new Uint8Array(0), rng))
  const reply = fixedBits(rounds, (i) => {
    const { surb } = newSurb(small, routes[i % 5]!.path, SURB_ID, rng)
    return packetFromSurb(small, surb, new Uint8Array(0)).packet
  })
  expect(reply).toEqual(forward)
  // The two version bytes, and the highest bit of a point, which is below 2^255.
  const { elementAt, elementBytes } = geometry(small)
  expect(forward).toEqual([...Array(8 * elementAt).keys(), 8 * (elementAt + elementBytes) - 1])
})

test('sender and hops agree on replay tag and delay seed, which are another packet’s in nothing', () => {
  const route = routeOf(kem, 3, 91)
  const rng = seededRng(92)
  const seen = new Set<string>()
  for (let i = 0; i < 5; i++) {
    const { packet, trace } = buildTracedPacket(kem, route.path, new Uint8Array(0), rng)
    const slab = Buffer.from(packet)
    for (const [at, key] of route.privateKeys.entries()) {
      const hop = new HopUnwrapper(kem, key)
      expect(hop.unwrap(slab, 0)).not.toBe('dropped')
      expect(Uint8Array.from(hop.replayTag)).toEqual(trace[at]!.replayTag)
      expect(Uint8Array.from(hop.delaySeed)).toEqual(trace[at]!.delaySeed)
      seen.add(hop.replayTag.toString('hex')).add(hop.delaySeed.toString('hex'))
    }
  }
  expect(seen.size).toBe(5 * 3 * 2)
})

describe('a path that no packet can take', () => {
  const { path } = routeOf(kem, 5, 95)
  const last = path.at(-1)!
  test.each<[string, readonly PathHop[]]>([
    ['of no hop', []],
    ['of six', [path[0]!, ...path]],
    ['without a recipient', path.slice(0, 3)],
    ['with a recipient in the middle', [last, last]],
    ['with a short id', [{ ...last, id: new Uint8Array(31) }]],
    ['with a short key', [{ ...last, publicKey: new Uint8Array(31) }]],
    ['with a long recipient', [{ ...last, recipient: new Uint8Array(33) }]],
    ['with milliseconds where a class is asked', [{ ...path[0]!, delayMs: 5, delayClass: 1 }, last]],
    ['with a class that is none', [{ ...path[0]!, delayClass: 256 }, last]],
  ])('%s', (_, wrong) => {
    expect(codeOf(() => buildPacket(kem, wrong, new Uint8Array(0), seededRng(1)))).toBe('sphinx.path_invalid')
  })

  test('or that is for too long a payload, or with a reply block’s id of another length', () => {
    const tooLong = new Uint8Array(geometry(kem).payloadBytes + 1)
    expect(codeOf(() => buildPacket(kem, path, tooLong, seededRng(1)))).toBe('sphinx.payload_too_long')
    expect(codeOf(() => newSurb(kem, path, new Uint8Array(15), seededRng(1)))).toBe('sphinx.path_invalid')
  })
})

test('what is no reply block, or no key of one, is refused', () => {
  const { path } = routeOf(kem, 2, 99)
  const { surb, keys } = newSurb(kem, path, SURB_ID, seededRng(1))
  const block = new Uint8Array(geometry(kem).blockBytes)
  expect(codeOf(() => packetFromSurb(kem, surb.subarray(1), new Uint8Array(0)))).toBe('sphinx.surb_invalid')
  expect(codeOf(() => packetFromSurb(kem, flipped(surb, 0), new Uint8Array(0)))).toBe('sphinx.surb_invalid')
  expect(codeOf(() => openSurbReply(kem, keys.subarray(1), block))).toBe('sphinx.surb_invalid')
  expect(codeOf(() => openSurbReply(kem, new Uint8Array(0), block))).toBe('sphinx.surb_invalid')
  expect(codeOf(() => openSurbReply(kem, keys, block.subarray(1)))).toBe('sphinx.length_wrong')
  expect(codeOf(() => new HopUnwrapper(kem, new Uint8Array(31)))).toBe('sphinx.key_invalid')
})

/** Runs of eight bytes that stand in both, at whatever place. */
function windowsInCommon(a: Uint8Array, b: Uint8Array): number {
  const [first, second] = [Buffer.from(a).toString('latin1'), Buffer.from(b).toString('latin1')]
  let found = 0
  for (let i = 2; i + 8 <= first.length; i++) if (second.includes(first.slice(i, i + 8))) found += 1
  return found
}

/** Bits that are far from a fair coin over many packets: six standard deviations and more. */
function fixedBits(rounds: number, packetOf: (i: number) => Uint8Array): number[] {
  const ones = new Int32Array(8 * geometry(small).packetBytes)
  for (let i = 0; i < rounds; i++) {
    const packet = packetOf(i)
    for (let bit = 0; bit < ones.length; bit++) ones[bit]! += (packet[bit >> 3]! >> (bit & 7)) & 1
  }
  const far = 6 * Math.sqrt(rounds / 4)
  return [...ones.keys()].filter((bit) => Math.abs(ones[bit]! - rounds / 2) > far)
}
