import { ManualClock, toHex, utf8 } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { exponential, ksTest } from '../delay/index.ts'
import { SimNetwork } from '../testing/sim-network.ts'

const never = new AbortController().signal
const COVERED = { clientSendMeanMs: 20, clientLoopMeanMs: 200 }
const OFF = { cover: 'off' } as const
/** Packets of a simulated network are real ones: a busy machine takes its time for them. */
const PATIENT = 60_000

function bytesOf(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => i * 31 + (i >> 8))
}

describe('a message', () => {
  test(
    'of any size arrives whole, once, and from whom it says; then its sender is told',
    { timeout: PATIENT },
    async () => {
      const network = new SimNetwork()
      const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
      // Around what fits into one packet with its reply block, without it, and into a round of sixteen.
      const sizes = [0, 1, 1_124, 1_125, 1_126, 1_920, 1_921, 1_922, 16 * 1_921, 16 * 1_921 + 1, 100_000]
      for (const size of sizes) {
        const sent = await network.settled(ann.client.send(bob.key, bytesOf(size), never))
        expect(sent.status).toBe('fulfilled')
        expect(bob.received.at(-1)).toEqual({ from: toHex(ann.key), message: bytesOf(size) })
      }
      expect(bob.received).toHaveLength(sizes.length)
      expect(ann.client.report()).toMatchObject({ counts: { timeouts: 0 }, outgoing: { messages: 0, bytes: 0 } })
    },
  )

  test('of one packet costs one packet there and one back', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    await network.settled(ann.client.send(bob.key, utf8('short'), never))
    expect(ann.client.report().counts).toMatchObject({ real: 1, answers: 0 })
    expect(bob.client.report().counts).toMatchObject({ real: 0, answers: 1 })
  })

  test('can be sent to oneself', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const ann = network.addClient(OFF)
    await network.settled(ann.client.send(ann.key, utf8('note'), never))
    expect(ann.texts).toEqual(['note'])
  })

  test('for a peer that nobody is, is given up after growing timeouts', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const ann = network.addClient({ ...OFF, mostStalls: 3, slackMs: 50 })
    const sent = await network.settled(ann.client.send(new Uint8Array(32).fill(9), utf8('anyone?'), never))
    expect(sent).toMatchObject({ reason: { code: 'transport.peer_unreachable', facts: { peer: '09'.repeat(32) } } })
    expect(ann.client.report().counts).toMatchObject({ real: 4, timeouts: 4 })
    // 1 + 2 + 4 + 8 of a way there, an answer held back, a way back, and slack: means of 5 ms at each hop.
    expect(network.agenda.now).toBeGreaterThan(15 * 150)
    expect(network.agenda.now).toBeLessThan(15 * 450)
  })

  test('for a key that is no key is given up too', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const ann = network.addClient({ ...OFF, mostStalls: 1 })
    const sent = await network.settled(ann.client.send(new Uint8Array(32), utf8('low order'), never))
    expect(sent).toMatchObject({ reason: { code: 'transport.peer_unreachable' } })
  })
})

describe('what a client takes on', () => {
  test('is bounded in messages and bytes, and says so; what is called off makes room', async () => {
    const network = new SimNetwork()
    const ann = network.addClient({ ...OFF, mostOutgoing: 2, mostOutgoingBytes: 5_000, mostMessageBytes: 4_000 })
    const callOff = new AbortController()
    const to = new Uint8Array(32).fill(9)
    const first = ann.client.send(to, bytesOf(3_000), callOff.signal)
    await expect(ann.client.send(to, bytesOf(4_001), never)).rejects.toMatchObject({ code: 'transport.frame_too_long' })
    await expect(ann.client.send(to, bytesOf(2_001), never)).rejects.toMatchObject({ code: 'transport.queue_full' })
    const second = ann.client.send(to, bytesOf(10), never)
    await expect(ann.client.send(to, bytesOf(10), never)).rejects.toMatchObject({
      code: 'transport.queue_full',
      facts: { waiting: 2 },
    })
    callOff.abort(new Error('changed my mind'))
    await expect(first).rejects.toThrow('changed my mind')
    const third = ann.client.send(to, bytesOf(10), never)
    ann.client.close()
    await expect(second).rejects.toMatchObject({ code: 'transport.closed' })
    await expect(third).rejects.toMatchObject({ code: 'transport.closed' })
    await expect(ann.client.send(to, bytesOf(1), never)).rejects.toMatchObject({ code: 'transport.closed' })
    expect(ann.client.report().outgoing).toEqual({ messages: 0, bytes: 0, answers: 0 })
  })

  test('waits while there is no network, for half the age that a message can reach', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const ann = network.addClient({ ...OFF, mostAgeMs: 10_000 })
    for (const { mix } of [network.node('gateway', 0), network.node('gateway', 1)]) mix.isDead = true
    const sent = await network.settled(ann.client.send(ann.key, utf8('later'), never))
    expect(sent).toMatchObject({ reason: { code: 'transport.peer_unreachable' } })
    expect(network.agenda.now).toBeGreaterThanOrEqual(5_000)
    expect(ann.client.report().counts.real).toBe(0)
  })
})

describe('cover', () => {
  /** When the client's packets leave, however much it has to send. */
  async function timesOf(messages: number): Promise<number[]> {
    const network = new SimNetwork({ parameters: COVERED })
    const [ann, bob] = [network.addClient(), network.addClient({ cover: 'off' })]
    const times: number[] = []
    network.onClientPacket = (from) => from === ann && times.push(network.agenda.now)
    for (let i = 0; i < messages; i++) ann.client.send(bob.key, bytesOf(20_000), never).catch(() => undefined)
    await network.pass(10_000)
    const { real, cover, loops } = ann.client.report().counts
    expect(times).toHaveLength(real + cover + loops)
    expect(real > 0).toBe(messages > 0)
    expect(bob.received).toHaveLength(messages)
    return times
  }

  test('makes way for what is real and never adds to it: times tell nothing', { timeout: 2 * PATIENT }, async () => {
    const [idle, busy] = [await timesOf(0), await timesOf(10)]
    // Two Poisson streams, of 1 in 20 and 1 in 200 ms, make one of 55 a second.
    const meanMs = 1 / (1 / COVERED.clientSendMeanMs + 1 / COVERED.clientLoopMeanMs)
    for (const times of [idle, busy]) {
      const gaps = times.slice(1).map((at, i) => at - times[i]!)
      const test = ksTest(gaps, exponential(meanMs))
      expect(test.pValue).toBeGreaterThan(0.001)
    }
    expect(Math.abs(idle.length - busy.length)).toBeLessThan(5 * Math.sqrt(2 * idle.length))
  })

  test('goes over each link alike', { timeout: PATIENT }, async () => {
    const network = new SimNetwork({ parameters: COVERED, gateways: 3 })
    const ann = network.addClient()
    const counts = new Map<string, number>()
    network.onClientPacket = (_, gatewayId) => counts.set(toHex(gatewayId), (counts.get(toHex(gatewayId)) ?? 0) + 1)
    await network.pass(5_000)
    expect([...counts.keys()].toSorted()).toEqual(
      ann.client
        .homes()
        .map(({ signed }) => toHex(signed.descriptor.identityKey))
        .toSorted(),
    )
    const [one, other] = [...counts.values()] as [number, number]
    expect(Math.abs(one - other)).toBeLessThan(5 * Math.sqrt(one + other))
  })

  test(
    'can be switched off: packets leave at once, at a bounded rate, and nothing else does',
    { timeout: PATIENT },
    async () => {
      const network = new SimNetwork({ parameters: COVERED })
      const ann = network.addClient({ ...OFF, mostPacketsPerSecond: 100 })
      const bob = network.addClient(OFF)
      await network.pass(1_000)
      expect(ann.client.report().counts).toMatchObject({ cover: 0, loops: 0, real: 0 })
      const startedAt = network.agenda.now
      await network.settled(ann.client.send(bob.key, bytesOf(150_000), never))
      const { real } = ann.client.report().counts
      expect(real).toBeGreaterThan(79)
      // Thirty-two at once, the others one in ten milliseconds.
      expect(network.agenda.now - startedAt).toBeGreaterThan((real - 33) * 10)
    },
  )
})

describe('an epoch’s end', () => {
  test('loses nothing, with clocks up to some seconds apart', { timeout: 2 * PATIENT }, async () => {
    const network = new SimNetwork()
    const [ann, bob] = [network.addClient(OFF, -4_000), network.addClient(OFF, 4_000)]
    const { epochMs } = network.rules.schedule
    await network.pass(epochMs - 7_000)
    network.agreeOnNext()
    const sends: Promise<void>[] = []
    for (let i = 0; i < 24; i++) {
      sends.push(
        ann.client.send(bob.key, utf8(`to bob ${i}`), never),
        bob.client.send(ann.key, utf8(`to ann ${i}`), never),
      )
      await network.pass(500)
    }
    await network.settled(Promise.all(sends))
    expect(new Set(bob.texts).size).toBe(24)
    expect(new Set(ann.texts).size).toBe(24)
    expect(bob.received).toHaveLength(24)
    expect(ann.client.report().counts.timeouts + bob.client.report().counts.timeouts).toBe(0)
  })

  test('without a next consensus is lived through on the keys named for it', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    await network.pass(network.rules.schedule.epochMs)
    const sent = await network.settled(ann.client.send(bob.key, utf8('still here'), never))
    expect(sent.status).toBe('fulfilled')
  })
})

test('the simulation’s clock and agenda keep step', async () => {
  const network = new SimNetwork()
  const startedAt = network.clock.now()
  await network.pass(1_234)
  expect(network.clock.now() - startedAt).toBeCloseTo(network.agenda.now, 6)
  expect(network.clock).toBeInstanceOf(ManualClock)
})
