import { ManualClock, seededRng, utf8 } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_INBOX_LIMITS, DELIVERY_ID_BYTES, Inbox, type InboxLimits, parseDelivery } from './inbox.ts'

const [ann, bob] = [1, 2].map((fill) => new Uint8Array(32).fill(fill)) as [Uint8Array, Uint8Array]

function open(limits: Partial<InboxLimits> = {}): { inbox: Inbox; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, inbox: new Inbox({ clock, rng: seededRng(1) }, { ...DEFAULT_INBOX_LIMITS, ...limits }) }
}

test('a delivery waits until its client has taken it, over as many links as that takes', () => {
  const { inbox } = open()
  inbox.arrive(ann)
  const delivery = inbox.add(ann, utf8('hello'))!
  inbox.leave(ann)
  expect(inbox.arrive(ann)).toEqual([delivery])
  const { id, body, surbId } = parseDelivery(delivery)!
  expect([body, surbId]).toEqual([utf8('hello'), undefined])
  inbox.take(bob, id)
  expect(inbox.arrive(ann)).toHaveLength(1)
  inbox.take(ann, id)
  inbox.take(ann, id)
  expect(inbox.arrive(ann)).toEqual([])
})

test('a reply carries the id of the block that brought it', () => {
  const { inbox } = open()
  inbox.arrive(ann)
  const surbId = new Uint8Array(16).fill(7)
  expect(parseDelivery(inbox.add(ann, utf8('block'), surbId)!)).toMatchObject({ surbId, body: utf8('block') })
})

test('nothing is kept for somebody who was never here, or not for long', () => {
  const { inbox, clock } = open({ keepMs: 1000 })
  expect(inbox.add(bob, utf8('x'))).toBeUndefined()
  inbox.arrive(bob)
  clock.advance(5000)
  inbox.expire()
  expect(inbox.add(bob, utf8('x'))).toBeDefined()
  inbox.leave(bob)
  clock.advance(1001)
  inbox.expire()
  expect([inbox.add(bob, utf8('x')), inbox.waiting]).toEqual([undefined, 0])
})

test('an inbox has a size in deliveries and in bytes, and clients a number', () => {
  const { inbox } = open({ deliveriesAClient: 3, bytesAClient: 400, clients: 2 })
  inbox.arrive(ann)
  const added = [1, 2, 3, 4].map(() => inbox.add(ann, utf8('x')) !== undefined)
  expect(added).toEqual([true, true, true, false])
  inbox.arrive(bob)
  expect(inbox.add(bob, new Uint8Array(400))).toBeUndefined()
  inbox.leave(bob)
  inbox.arrive(new Uint8Array(32).fill(9))
  expect(inbox.clients).toBe(2)
  expect(inbox.add(bob, utf8('x'))).toBeUndefined()
  expect(inbox.add(ann, utf8('x'))).toBeUndefined()
})

test('room that was taken comes back, exactly', () => {
  const { inbox } = open({ bytesAClient: 100 + 17 + 48 })
  inbox.arrive(ann)
  for (let i = 0; i < 50; i++) {
    const delivery = inbox.add(ann, new Uint8Array(100))
    expect(delivery).toBeDefined()
    inbox.take(ann, delivery!.subarray(0, DELIVERY_ID_BYTES))
  }
})

test('any bytes are a delivery or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const parsed = parseDelivery(bytes)
      expect(parsed === undefined || parsed.id.length === DELIVERY_ID_BYTES).toBe(true)
    }),
  )
})
