import { seededRng } from '@fog/kernel'
import { expect, test } from 'vitest'
import { buildPacket, geometry, HopUnwrapper, type PathHop, suites, unwrap } from './index.ts'

const suite = suites.betanetKemX25519Small
const { packetBytes, blockAt, tagBytes } = geometry(suite)
const rng = seededRng(5)
const keys = [rng.bytes(32), rng.bytes(32)]
const hops = keys.map((key) => new HopUnwrapper(suite, key))
const path: PathHop[] = [
  { id: rng.bytes(32), publicKey: hops[0]!.publicKey, delayClass: 2 },
  { id: rng.bytes(32), publicKey: hops[1]!.publicKey, recipient: rng.bytes(32) },
]
const packetOf = (text: string) => buildPacket(suite, path, Buffer.from(text), rng)

test('packets are unwrapped within their slots and nowhere else, one after another', () => {
  const slab = Buffer.alloc(4 * packetBytes, 0xee)
  slab.set(packetOf('one'), packetBytes)
  slab.set(packetOf('two'), 2 * packetBytes)
  for (const at of [2 * packetBytes, packetBytes]) {
    const expected = unwrap(suite, keys[0]!, slab.subarray(at, at + packetBytes))
    expect(hops[0]!.unwrap(slab, at)).toBe('forward')
    expect(expected).toMatchObject({ kind: 'forward', delayClass: 2 })
    expect(Uint8Array.from(slab.subarray(at, at + packetBytes))).toEqual(expected.kind === 'forward' && expected.packet)
    expect(Uint8Array.from(hops[0]!.replayTag)).toEqual(expected.replayTag)
    expect(Uint8Array.from(hops[0]!.commands.nextHop)).toEqual(path[1]!.id)
  }
  for (const [at, text] of [[packetBytes, 'one'] as const, [2 * packetBytes, 'two'] as const]) {
    expect(hops[1]!.unwrap(slab, at)).toBe('deliver')
    expect(slab.toString('utf8', at + blockAt + tagBytes, at + blockAt + tagBytes + 3)).toBe(text)
  }
  expect(slab.subarray(0, packetBytes).every((byte) => byte === 0xee)).toBe(true)
  expect(slab.subarray(3 * packetBytes).every((byte) => byte === 0xee)).toBe(true)
})

test('the header can be opened alone, and leaves the packet as it was', () => {
  const slab = Buffer.from(packetOf('three'))
  const before = Buffer.from(slab)
  expect(hops[0]!.openHeader(slab, 0)).toBe('forward')
  expect(slab.equals(before)).toBe(true)
  const { replayTag } = unwrap(suite, keys[0]!, before)
  expect(Uint8Array.from(hops[0]!.replayTag)).toEqual(replayTag)
  expect(hops[0]!.finish(slab, 0)).toBe('forward')
  expect(() => hops[0]!.finish(slab, 0)).toThrow('opened first')
})

test('a dropped packet says why to its own node, and leaves nothing for the next one', () => {
  const slab = Buffer.from(packetOf('four'))
  const good = Buffer.from(slab)
  slab[40]! ^= 1
  expect(hops[0]!.unwrap(slab, 0)).toBe('dropped')
  expect(hops[0]!.dropReason).toBe('header_forged')
  expect(() => hops[0]!.finish(slab, 0)).toThrow('opened first')
  expect(hops[0]!.unwrap(good, 0)).toBe('forward')
  expect(hops[0]!.dropReason).toBeUndefined()
})

test('a packet that does not lie within the slab is a fault of ours', () => {
  const slab = Buffer.alloc(packetBytes)
  for (const at of [-1, 1]) expect(() => hops[0]!.unwrap(slab, at)).toThrow('within its slab')
})

test('a wiped key opens nothing any more', () => {
  const hop = new HopUnwrapper(suite, keys[0]!)
  hop.wipe()
  expect(hop.unwrap(Buffer.from(packetOf('five')), 0)).toBe('dropped')
})
