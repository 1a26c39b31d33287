import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeCommands, HopCommands } from './commands.ts'
import { suites } from './index.ts'

const SLOT_BYTES = 82
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

function slotOf(commands: Uint8Array): Buffer {
  return Buffer.concat([commands, Buffer.alloc(SLOT_BYTES - commands.length)])
}

describe.each([suites.betanetKemX25519, suites.katzenpostX25519])('$name', (suite) => {
  const hop = new HopCommands(suite)
  const delay =
    suite.delays === 'class'
      ? fc.record({ delayClass: maybe(fc.integer({ min: 0, max: 255 })) })
      : fc.record({ delayMs: maybe(fc.integer({ min: 0, max: 2 ** 32 - 1 })) })

  test('a hop that forwards reads what was written', () => {
    fc.assert(
      fc.property(delay, bytes(32), bytes(32), (wanted, id, mac) => {
        expect(hop.parse(slotOf(encodeCommands({ ...wanted, next: { id, mac } })))).toBe('forward')
        expect(Uint8Array.from(hop.nextHop)).toEqual(id)
        expect(Uint8Array.from(hop.nextMac)).toEqual(mac)
        expect(hop).toMatchObject({ delayMs: 0, delayClass: 0, ...withoutUndefined(wanted) })
      }),
    )
  })

  test('a last hop reads what was written', () => {
    fc.assert(
      fc.property(maybe(bytes(32)), maybe(bytes(16)), (recipient, surbId) => {
        const kind = surbId ? 'surb-reply' : recipient ? 'deliver' : undefined
        expect(hop.parse(slotOf(encodeCommands({ recipient, surbId })))).toBe(kind)
        expect(hop.hasRecipient).toBe(recipient !== undefined)
        const read = { recipient: Uint8Array.from(hop.recipient), surbId: Uint8Array.from(hop.surbId) }
        expect(read).toMatchObject(withoutUndefined({ recipient, surbId }))
      }),
    )
  })

  test('whatever the bytes are, they parse or they do not', () => {
    fc.assert(
      fc.property(bytes(SLOT_BYTES), (slot) => {
        expect([undefined, 'forward', 'deliver', 'surb-reply']).toContain(hop.parse(Buffer.from(slot)))
      }),
      { numRuns: 2000 },
    )
  })

  const next = encodeCommands({ next: { id: new Uint8Array(32).fill(1), mac: new Uint8Array(32).fill(2) } })
  const recipient = encodeCommands({ recipient: new Uint8Array(32).fill(3) })
  const surb = encodeCommands({ surbId: new Uint8Array(16).fill(4) })
  const join = (...parts: readonly Uint8Array[]) => slotOf(Buffer.concat(parts))
  test.each<[string, Buffer]>([
    ['nothing at all', join()],
    ['both a next hop and a reply', join(surb, next)],
    ['two recipients', join(recipient, recipient)],
    ['a recipient cut off', join(surb, surb.subarray(0, 0), Buffer.alloc(48), Buffer.of(2))],
    ['a next hop cut off', join(recipient, next.subarray(0, 49))],
    ['a tag nobody knows', join(Buffer.of(0x7f), recipient)],
    ['bytes behind the null command', join(recipient, Buffer.of(0, 1))],
    ['a byte at the very end', Buffer.concat([join(recipient).subarray(0, SLOT_BYTES - 1), Buffer.of(1)])],
    ['the other suite’s delay', join(Buffer.of(suite.delays === 'class' ? 0x80 : 0x81, 0, 0, 0, 0), recipient)],
  ])('%s is refused', (_, slot) => {
    expect(hop.parse(slot)).toBeUndefined()
  })

  test('commands may fill the slot to the last byte', () => {
    expect(hop.parse(join(surb.subarray(0, 0), recipient, surb))).toBe('surb-reply')
    expect(hop.parse(Buffer.concat([next, surb]))).toBeUndefined()
  })
})

function withoutUndefined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
