import { ManualClock, seededRng } from '@fog/kernel'
import { expect, test } from 'vitest'
import { geometry, HopUnwrapper, newSurb, packetFromSurb, PendingReplies, suites, unwrap } from './index.ts'

const suite = suites.betanetKemX25519Small
const rng = seededRng(9)
const key = rng.bytes(32)
const path = [{ id: rng.bytes(32), publicKey: new HopUnwrapper(suite, key).publicKey }]

function made() {
  const clock = new ManualClock()
  const surbId = rng.bytes(16)
  const { surb, keys } = newSurb(suite, path, surbId, rng)
  const { packet } = packetFromSurb(suite, surb, Buffer.from('yes'))
  const reply = unwrap(suite, key, packet)
  if (reply.kind !== 'surb-reply') throw new Error('a reply comes back as one')
  const pending = new PendingReplies({ suite, clock }, { mostReplies: 2 })
  return { clock, surbId, keys, pending, payload: reply.payload, later: clock.now() + 1000 }
}

test('a reply opens once', () => {
  const { pending, surbId, keys, payload, later } = made()
  expect(pending.expect(surbId, keys, later)).toBe(true)
  expect(Buffer.from(pending.open(surbId, payload)!.subarray(0, 3)).toString()).toBe('yes')
  expect(pending.open(surbId, payload)).toBeUndefined()
  expect(pending.size).toBe(0)
})

test('a reply that was touched opens not, and its keys are gone', () => {
  const { pending, surbId, keys, payload, later } = made()
  pending.expect(surbId, keys, later)
  payload[7]! ^= 4
  expect(pending.open(surbId, payload)).toBeUndefined()
  payload[7]! ^= 4
  expect(pending.open(surbId, payload)).toBeUndefined()
  expect(keys.every((byte) => byte === 0)).toBe(true)
})

test('a reply that comes too late opens not, and one of a wrong length spends its block', () => {
  const { clock, pending, surbId, keys, payload, later } = made()
  pending.expect(surbId, keys, later)
  clock.advance(1000)
  expect(pending.open(surbId, payload)).toBeUndefined()
  expect(keys.every((byte) => byte === 0)).toBe(true)
  const other = made()
  other.pending.expect(other.surbId, other.keys, other.later)
  expect(other.pending.open(other.surbId, other.payload.subarray(1))).toBeUndefined()
  expect(other.keys.every((byte) => byte === 0)).toBe(true)
})

test('no more blocks are out than allowed, and none under an id that is taken', () => {
  const { pending, surbId, later } = made()
  const keys = () => new Uint8Array(2 * geometry(suite).payloadKeyBytes).fill(1)
  expect(pending.expect(surbId, keys(), later)).toBe(true)
  const second = keys()
  expect(pending.expect(surbId, second, later)).toBe(false)
  expect(second.every((byte) => byte === 0)).toBe(true)
  expect(pending.expect(rng.bytes(16), keys(), later)).toBe(true)
  expect(pending.expect(rng.bytes(16), keys(), later)).toBe(false)
})
