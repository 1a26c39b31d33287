import { ManualClock, toHex } from '@fog/kernel'
import { systemRng } from '@fog/kernel/node'
import { describe, expect, test } from 'vitest'
import { type Ack, missingOf, parseFragment, splitMessage } from '../fragment.ts'
import type { Content } from './content.ts'
import { Incoming } from './incoming.ts'
import { SeenMessages } from './seen-messages.ts'

const LIMITS = {
  mostMessageBytes: 10_000,
  mostUnfinished: 4,
  mostUnfinishedBytes: 50_000,
  unfinishedMs: 60_000,
  mostRemembered: 100,
  mostAgeMs: 60_000,
  maxSkewMs: 1_000,
  mostHeldAnswers: 3,
}
const [ann, eve] = [systemRng.bytes(32), systemRng.bytes(32)]
const WAIT_MS = 50

function setUp(): { incoming: Incoming; clock: ManualClock; parts: (bytes: number, id?: Uint8Array) => Part[] } {
  const clock = new ManualClock()
  const parts = (bytes: number, id = systemRng.bytes(16)) =>
    splitMessage(id, systemRng.bytes(bytes), 1_000).map((fragment): Part => {
      return { kind: 'fragment', sentAt: clock.now(), fragment: parseFragment(fragment)!, surb: undefined }
    })
  return { incoming: new Incoming({ clock }, LIMITS), clock, parts }
}

type Part = Extract<Content, { kind: 'fragment' }>
const surb = (n: number) => new Uint8Array(800).fill(n)
const missing = (answers: readonly { readonly ack: Ack }[]) => answers.map(({ ack }) => missingOf(ack))

describe('what comes in parts', () => {
  test('is answered at once when it is whole, by whichever reply block is there', () => {
    const { incoming, parts } = setUp()
    const [one, two] = parts(1_500) as [Part, Part]
    expect(incoming.take(ann, { ...one, surb: surb(1) }, 0, WAIT_MS)).toEqual({ status: 'part', answers: [] })
    const whole = incoming.take(ann, two, 10, WAIT_MS)
    expect(whole).toMatchObject({ status: 'whole', answers: [{ surb: surb(1) }] })
    expect(missing(whole.answers)).toEqual([[]])
    expect(toHex(whole.answers[0]!.ack.messageId)).toBe(toHex(one.fragment.messageId))
    expect(incoming.due(1_000)).toEqual([])
    // The answer was lost: asked again, it is given again, and nothing is taken twice.
    const again = incoming.take(ann, { ...two, surb: surb(2) }, 20, WAIT_MS)
    expect(again).toMatchObject({ status: 'repeated', answers: [{ surb: surb(2) }] })
  })

  test('is answered in part once what was sent before the question should be here', () => {
    const { incoming, parts } = setUp()
    const [one, two, three] = parts(2_500) as [Part, Part, Part]
    incoming.take(ann, { ...three, surb: surb(1) }, 0, WAIT_MS)
    incoming.take(ann, one, 20, WAIT_MS)
    expect(incoming.nextAt).toBe(50)
    expect(incoming.due(49)).toEqual([])
    expect(missing(incoming.due(50))).toEqual([[1]])
    const { messageId, count } = two.fragment
    const ask = { kind: 'ask', sentAt: two.sentAt, messageId, count } as const
    expect(incoming.take(ann, { ...ask, surb: surb(2) }, 60, WAIT_MS).answers).toEqual([])
    // Another question has the one before it answered.
    expect(missing(incoming.take(ann, { ...ask, surb: surb(3) }, 70, WAIT_MS).answers)).toEqual([[1]])
    expect(incoming.take(ann, two, 80, WAIT_MS)).toMatchObject({ status: 'whole', answers: [{ surb: surb(3) }] })
  })

  test('of which nothing came is answered too: all is missing', () => {
    const { incoming, clock } = setUp()
    const ask = { kind: 'ask', sentAt: clock.now(), messageId: systemRng.bytes(16), count: 3, surb: surb(1) } as const
    incoming.take(ann, ask, 0, WAIT_MS)
    expect(missing(incoming.due(50))).toEqual([[0, 1, 2]])
  })

  test('is kept apart by sender: nobody adds a part to another’s message, or takes its place', () => {
    const { incoming, parts } = setUp()
    const id = systemRng.bytes(16)
    const [honest, forged] = [parts(1_500, id), parts(1_500, id)]
    incoming.take(eve, forged[1]!, 0, WAIT_MS)
    incoming.take(ann, honest[0]!, 0, WAIT_MS)
    expect(incoming.take(ann, honest[1]!, 0, WAIT_MS).status).toBe('whole')
    expect(incoming.take(eve, forged[0]!, 0, WAIT_MS).status).toBe('whole')
  })

  test('is refused when it is too old, from the future, too large, or contradicts itself', () => {
    const { incoming, clock, parts } = setUp()
    const [part] = parts(10) as [Part]
    const now = clock.now()
    for (const sentAt of [0, now - 60_000, now + 1_001]) {
      expect(incoming.take(ann, { ...part, sentAt }, 0, WAIT_MS).status).toBe('untimely')
    }
    expect(incoming.take(ann, parts(20_000)[0]!, 0, WAIT_MS).status).toBe('refused')
    const [one] = parts(1_500) as [Part]
    incoming.take(ann, one, 0, WAIT_MS)
    const other = { ...one, fragment: { ...one.fragment, index: 1, count: 7 } }
    expect(incoming.take(ann, other, 0, WAIT_MS).status).toBe('refused')
  })

  test('and questions about it take bounded room', () => {
    const { incoming, parts } = setUp()
    for (let i = 0; i < 50; i++) incoming.take(eve, { ...parts(1_500)[0]!, surb: surb(i) }, 0, WAIT_MS)
    expect(incoming.stats).toMatchObject({ unfinished: 4, heldAnswers: 3 })
  })
})

describe('what was seen', () => {
  test('is not taken again, neither while it is remembered nor after', () => {
    const clock = new ManualClock(1_000_000)
    const seen = new SeenMessages({ clock }, { most: 10, keepMs: 1_000, maxSkewMs: 100 })
    const sentAt = clock.now()
    expect(seen.isTimely('a', sentAt) && seen.note('a', sentAt)).toBe(true)
    expect(seen.isTimely('a', sentAt) && seen.note('a', sentAt)).toBe(false)
    clock.advance(1_000)
    expect(seen.isTimely('a', sentAt)).toBe(false)
    expect(seen.note('b', clock.now())).toBe(true)
    expect(seen.size).toBe(1)
  })

  test('is not taken again when more came than can be remembered', () => {
    const clock = new ManualClock(1_000_000)
    const seen = new SeenMessages({ clock }, { most: 10, keepMs: 100_000, maxSkewMs: 100 })
    const taken: [string, number][] = []
    for (let i = 0; i < 40; i++) {
      const entry: [string, number] = [`${i}`, clock.now()]
      expect(seen.isTimely(...entry) && seen.note(...entry)).toBe(true)
      taken.push(entry)
      clock.advance(1)
    }
    expect(seen.size).toBe(10)
    for (const entry of taken) expect(seen.isTimely(...entry) && seen.note(...entry)).toBe(false)
    expect(seen.isTimely('late', clock.now() - 20)).toBe(false)
    expect(seen.isTimely('new', clock.now())).toBe(true)
  })
})
