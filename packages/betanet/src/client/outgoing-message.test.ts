import { systemRng } from '@fog/kernel/node'
import { describe, expect, test } from 'vitest'
import { type Ack, bitmapBytes, parseFragment } from '../fragment.ts'
import { ASK_EVERY, OutgoingMessage, type Parcel } from './outgoing-message.ts'

const OPTIONS = { fragmentBytes: 1_023, fragmentBytesWithSurb: 523, timeoutMs: () => 100, mostStalls: 3 }

function messageOf(bytes: number): OutgoingMessage {
  return new OutgoingMessage(
    { to: systemRng.bytes(32), messageId: systemRng.bytes(16), sentAt: 0, message: systemRng.bytes(bytes) },
    OPTIONS,
  )
}

/** All that is to be sent now: the fragments' numbers, with `?` where a question goes along, or alone. */
function drain(message: OutgoingMessage, now = 0): string[] {
  const sent: string[] = []
  while (message.hasNext) sent.push(nameOf(message.next(now)))
  return sent
}

function nameOf({ fragment, asks }: Parcel): string {
  const index = fragment ? String(parseFragment(fragment)!.index) : ''
  return `${index}${asks ? '?' : ''}`
}

function ackOf(message: OutgoingMessage, ...arrived: readonly number[]): Ack {
  const bitmap = new Uint8Array(bitmapBytes(message.count))
  for (const index of arrived) bitmap[index >> 3]! |= 1 << (index & 7)
  return { messageId: message.messageId, count: message.count, bitmap }
}

describe('a message on its way', () => {
  test('asks in its last packet where there is room, in one of its own where there is none', () => {
    expect(drain(messageOf(300))).toEqual(['0?'])
    expect(drain(messageOf(900))).toEqual(['0', '?'])
    expect(drain(messageOf(2_300))).toEqual(['0', '1', '2?'])
  })

  test('asks now and then when it is long', () => {
    const sent = drain(messageOf(40_000))
    expect(sent.filter((name) => name === '?')).toHaveLength(3)
    expect(sent.indexOf('?')).toBe(ASK_EVERY)
  })

  test('sends again what an answer shows missing, at once, and only that', () => {
    const message = messageOf(4_900)
    drain(message)
    expect(message.acknowledge(ackOf(message, 0, 2, 4), 0)).toBe('sending')
    expect(message.timeoutAt).toBe(Infinity)
    expect(drain(message, 10)).toEqual(['1', '3', '?'])
    expect(message.acknowledge(ackOf(message, 0, 1, 2, 3, 4), 10)).toBe('arrived')
  })

  test('does not send again what left after the question', () => {
    const message = messageOf(4_900)
    message.next(0)
    message.next(5)
    expect(message.acknowledge(ackOf(message, 0), 0)).toBe('sending')
    expect(drain(message, 6)).toEqual(['2', '3', '4', '?'])
  })

  test('goes by the newest answer: an older one tells of nothing missing, and what was lost since is sent again', () => {
    const message = messageOf(4_900)
    drain(message, 0)
    message.timeOut()
    drain(message, 100)
    expect(message.acknowledge(ackOf(message, 0, 1, 2, 3), 100)).toBe('sending')
    drain(message, 110)
    message.acknowledge(ackOf(message, 0), 0)
    expect(message.hasNext).toBe(false)
    // The recipient lacked room and dropped what it had.
    message.acknowledge(ackOf(message), 110)
    expect(drain(message, 200)).toEqual(['0', '1', '2', '3', '4', '?'])
  })

  test('sends all that nobody spoke of after a timeout, each time later, by the other gateway, and gives up in the end', () => {
    const message = messageOf(1_900)
    let now = 0
    for (const [i, wait] of [100, 200, 400, 800].entries()) {
      expect(message.turn).toBe(i)
      expect(drain(message, now)).toEqual(['0', '1', '?'])
      expect(message.timeoutAt).toBe(now + wait)
      now = message.timeoutAt
      expect(message.timeOut()).toBe(i < 3 ? 'sending' : 'given_up')
    }
  })

  test('is given up when answers come but nothing arrives, and never while something does', () => {
    const message = messageOf(8_900)
    const arrived: number[] = []
    for (let i = 0; i < 8; i++) {
      drain(message, i)
      arrived.push(i)
      expect(message.acknowledge(ackOf(message, ...arrived), i)).toBe('sending')
    }
    for (let i = 8; i < 12; i++) {
      drain(message, i)
      expect(message.acknowledge(ackOf(message, ...arrived), i)).toBe(i < 11 ? 'sending' : 'given_up')
    }
  })

  test('asks once more when what was due came meanwhile but something else is open', () => {
    const message = messageOf(2_900)
    drain(message, 0)
    message.timeOut()
    expect(nameOf(message.next(100))).toBe('0')
    expect(message.acknowledge(ackOf(message, 1, 2), 0)).toBe('sending')
    expect(drain(message, 101)).toEqual(['?'])
    expect(message.timeoutAt).toBeLessThan(Infinity)
  })
})
