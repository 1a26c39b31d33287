import { seededRng, toHex } from '@fog/kernel'
import { expect, test } from 'vitest'
import { parseDelivery } from './inbox.ts'
import { LEAST_PACE_MS, PacedDeliveries } from './paced-deliveries.ts'

const ANN = new Uint8Array(32).fill(1)
const BOB = new Uint8Array(32).fill(2)
const BYTES = 200

function open() {
  let now = 0
  const sent: { readonly at: number; readonly to: string; readonly delivery: Uint8Array }[] = []
  const paced = new PacedDeliveries({
    rng: seededRng(3),
    now: () => now,
    deliver: (linkKey, delivery) => sent.push({ at: now, to: toHex(linkKey), delivery }),
    deliveryBytes: BYTES,
  })
  const pass = (ms: number) => {
    for (const until = now + ms; now < until; now++) paced.run()
  }
  return { paced, sent, pass }
}

/** A delivery of the right size that is no cover. */
function real(fill: number): Uint8Array {
  return new Uint8Array(BYTES).fill(fill).with(16, 1)
}

test('as many are delivered while nothing comes as while much does, of the same size', () => {
  const { paced, sent, pass } = open()
  paced.begin(ANN, 20, [])
  pass(20_000)
  const idle = sent.splice(0)
  for (let i = 0; i < 2_000; i++) paced.offer(ANN, real(9))
  pass(20_000)
  // Poisson counts of mean 1,000: five deviations either way.
  for (const { length } of [idle, sent]) expect(Math.abs(length - 1_000)).toBeLessThan(160)
  expect(new Set([...idle, ...sent].map(({ delivery }) => delivery.length))).toEqual(new Set([BYTES]))
  expect(idle.every(({ delivery }) => parseDelivery(delivery)?.isCover)).toBe(true)
  expect(sent.some(({ delivery }) => parseDelivery(delivery)?.isCover)).toBe(false)
})

test('what comes is delivered in its order, and nothing after the link is gone', () => {
  const { paced, sent, pass } = open()
  paced.begin(ANN, 10, [real(1)])
  expect(paced.offer(ANN, real(2))).toBe(true)
  // Another rate keeps what waits.
  paced.begin(ANN, 20, [])
  paced.offer(ANN, real(3))
  pass(1_000)
  const order = sent.map(({ delivery }) => delivery).filter((each) => !parseDelivery(each)?.isCover)
  expect(order.map((each) => each[0])).toEqual([1, 2, 3])
  paced.end(ANN)
  const { length } = sent
  pass(1_000)
  expect([sent.length, paced.nextAt]).toEqual([length, Infinity])
})

test('who did not ask is served at once, and nobody faster than a gateway allows', () => {
  const { paced, sent, pass } = open()
  expect(paced.offer(BOB, real(1))).toBe(false)
  paced.begin(BOB, 0, [])
  pass(1_000)
  expect(sent.length).toBeLessThan((2 * 1_000) / LEAST_PACE_MS)
})
