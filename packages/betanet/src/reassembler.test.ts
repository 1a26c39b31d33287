import { ManualClock, seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Fragment, missingOf, parseFragment, splitMessage } from './fragment.ts'
import { type FragmentArrival, Reassembler, type ReassemblerOptions } from './reassembler.ts'

const OPTIONS: ReassemblerOptions = {
  mostMessageBytes: 5000,
  mostMessages: 4,
  mostBytes: 20_000,
  mostFinished: 8,
  lifetimeMs: 1000,
}

function made(options: Partial<ReassemblerOptions> = {}) {
  const clock = new ManualClock()
  return { clock, inbox: new Reassembler({ clock }, { ...OPTIONS, ...options }) }
}

function idOf(n: number): Uint8Array {
  return new Uint8Array(16).fill(n)
}

function fragmentsOf(id: number, message: Uint8Array, fragmentBytes = 123): Fragment[] {
  return splitMessage(idOf(id), message, fragmentBytes).map((bytes) => parseFragment(bytes)!)
}

function statuses(arrivals: readonly FragmentArrival[]): string[] {
  return arrivals.map((arrival) => (arrival.status === 'refused' ? arrival.reason : arrival.status))
}

describe('a message', () => {
  test('is whole once all its fragments came, in whatever order and however often', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000 }),
        fc.integer({ min: 24, max: 200 }),
        fc.nat(),
        (message, size, seed) => {
          const { inbox } = made({ mostBytes: 1_000_000 })
          const rng = seededRng(seed)
          const sent = fragmentsOf(1, message, size).flatMap((one) => (rng.next() < 0.3 ? [one, one] : [one]))
          const shuffled = sent.map((one) => ({ one, at: rng.next() })).toSorted((a, b) => a.at - b.at)
          const complete = shuffled
            .map(({ one }) => inbox.accept(one))
            .filter((arrival) => arrival.status === 'complete')
          expect(complete.map((arrival) => arrival.message)).toEqual([message])
          expect(inbox.stats).toMatchObject({ unfinished: 0, bytes: 0 })
        },
      ),
    )
  })

  test('tells its sender at every step what is missing', () => {
    const { inbox } = made()
    const [a, b, c] = fragmentsOf(1, new Uint8Array(250))
    const missing = [c!, c!, a!, b!, b!].map((one) => {
      const arrival = inbox.accept(one)
      return [arrival.status, arrival.status === 'refused' ? [] : missingOf(arrival.ack)]
    })
    expect(missing).toEqual([
      ['partial', [0, 1]],
      ['repeated', [0, 1]],
      ['partial', [1]],
      ['complete', []],
      ['repeated', []],
    ])
  })

  test('does not keep the packet it came in', () => {
    const { inbox } = made()
    const payloads = splitMessage(idOf(1), Uint8Array.of(1, 2, 3, 4), 25)
    const arrivals = payloads.map((payload) => {
      const arrival = inbox.accept(parseFragment(payload)!)
      payload.fill(0)
      return arrival
    })
    expect(arrivals.at(-1)).toMatchObject({ status: 'complete', message: Uint8Array.of(1, 2, 3, 4) })
  })
})

describe('what cannot be', () => {
  const fragment = (index: number, count: number, bytes: number): Fragment => ({
    messageId: idOf(1),
    index,
    count,
    data: new Uint8Array(bytes),
    rest: new Uint8Array(0),
  })
  test.each<[string, Fragment[], string[]]>([
    ['another count', [fragment(0, 3, 10), fragment(1, 4, 10)], ['partial', 'inconsistent']],
    ['another length in the middle', [fragment(0, 3, 10), fragment(1, 3, 11)], ['partial', 'inconsistent']],
    ['a last one that is longer', [fragment(0, 3, 10), fragment(2, 3, 11)], ['partial', 'inconsistent']],
    ['a last one that was longer', [fragment(2, 3, 11), fragment(0, 3, 10)], ['partial', 'inconsistent']],
    ['more than is allowed', [fragment(0, 3, 2500)], ['too_large']],
    ['more than is allowed, by its count', [fragment(4095, 4096, 1000)], ['too_large']],
    ['more than is allowed, seen late', [fragment(2, 3, 1500), fragment(0, 3, 2000)], ['partial', 'too_large']],
  ])('%s is refused', (_, fragments, expected) => {
    const { inbox } = made()
    expect(statuses(fragments.map((one) => inbox.accept(one)))).toEqual(expected)
  })
})

describe('memory stays bounded', () => {
  test('by the number of messages: the one that was fed least recently gives way', () => {
    const { inbox } = made({ mostMessages: 2 })
    const [one, two, three] = [1, 2, 3].map((id) => fragmentsOf(id, new Uint8Array(300)))
    const arrivals = [one![0]!, two![0]!, one![1]!, three![0]!, two![1]!, three![1]!, three![2]!].map((fragment) =>
      inbox.accept(fragment),
    )
    expect(arrivals.at(-1)?.status).toBe('complete')
    expect(inbox.stats).toMatchObject({ unfinished: 1, evicted: 2 })
  })

  test('by their bytes, through any flood', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { inbox, clock } = made({ mostMessages: 50, mostBytes: 3000, mostFinished: 3 })
        const rng = seededRng(seed)
        for (let i = 0; i < 300; i++) {
          const count = 1 + Math.floor(rng.next() * 40)
          const data = new Uint8Array(1 + Math.floor(rng.next() * 60))
          const index = Math.floor(rng.next() * count)
          inbox.accept({ messageId: idOf(Math.floor(rng.next() * 90)), index, count, data, rest: data })
          clock.advance(Math.floor(rng.next() * 5))
          expect(inbox.stats.bytes).toBeLessThanOrEqual(3000)
          expect(inbox.stats.unfinished).toBeLessThanOrEqual(50)
        }
        clock.advance(OPTIONS.lifetimeMs)
        inbox.forgetExpired()
        expect(inbox.stats).toMatchObject({ unfinished: 0, bytes: 0 })
      }),
      { numRuns: 30 },
    )
  })

  test('by time: an unfinished message is let go when no fragment comes any more', () => {
    const { inbox, clock } = made()
    const [a, b, c] = fragmentsOf(1, new Uint8Array(250))
    inbox.accept(a!)
    clock.advance(999)
    inbox.accept(b!)
    clock.advance(999)
    // One that is known already does not lengthen the wait.
    inbox.accept(b!)
    clock.advance(1)
    expect(inbox.accept(c!)).toMatchObject({ status: 'partial' })
    expect(inbox.stats).toMatchObject({ unfinished: 1, expired: 1 })
  })

  test('a finished message is remembered for as long, and not for ever', () => {
    const { inbox, clock } = made()
    const [whole] = fragmentsOf(1, new Uint8Array(5))
    expect(statuses([inbox.accept(whole!), inbox.accept(whole!)])).toEqual(['complete', 'repeated'])
    clock.advance(1000)
    expect(inbox.accept(whole!).status).toBe('complete')
  })
})
