import { noiseSuite, systemRng } from '@fog/kernel/node'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DATAGRAM_OVERHEAD_BYTES, DatagramSession } from './datagram-session.ts'

const suite = noiseSuite()
const PACKET_BYTES = 1200

function pair(): { from: DatagramSession; to: DatagramSession } {
  const [id, key] = [systemRng.bytes(8), systemRng.bytes(32)]
  return {
    from: new DatagramSession(suite, { id, key: key.slice() }),
    to: new DatagramSession(suite, { id, key: key.slice() }),
  }
}

test('datagrams open once each, whatever is lost and in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(59), { maxLength: 120 }), (order) => {
      const { from, to } = pair()
      const packets = Array.from({ length: 60 }, (_, i) => new Uint8Array(PACKET_BYTES).fill(i))
      const datagrams = packets.map((packet) => from.seal(packet, 0, PACKET_BYTES))
      const opened = new Set<number>()
      const out = new Uint8Array(2000)
      for (const i of order) {
        out[PACKET_BYTES - 1] = opened.has(i) ? i : 255
        expect(to.open(datagrams[i]!, out)).toBe(opened.has(i) ? 0 : PACKET_BYTES)
        expect(out[PACKET_BYTES - 1]).toBe(i)
        opened.add(i)
      }
    }),
    { numRuns: 30 },
  )
})

test('a datagram with any bit changed, cut or made up opens to nothing, and spoils nothing', () => {
  const { from, to } = pair()
  const datagram = from.seal(new Uint8Array(PACKET_BYTES), 0, PACKET_BYTES)
  const out = new Uint8Array(2000)
  fc.assert(
    fc.property(
      fc.nat(datagram.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.uint8Array({ maxLength: 1300 }),
      (at, change, noise) => {
        const bent = Buffer.from(datagram)
        bent[at]! ^= change
        expect(to.open(bent, out)).toBe(0)
        expect(to.open(datagram.subarray(0, at), out)).toBe(0)
        expect(to.open(Buffer.from(noise), out)).toBe(0)
      },
    ),
  )
  expect(to.open(datagram, out)).toBe(PACKET_BYTES)
})

test('a small packet fits into the least that IPv6 promises to carry', () => {
  const [ipv6, udp] = [40, 8]
  expect(PACKET_BYTES + DATAGRAM_OVERHEAD_BYTES + ipv6 + udp).toBeLessThanOrEqual(1280)
})
