import { utf8 } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { startOf } from '../directory/index.ts'
import { type SimClient, SimNetwork } from '../testing/sim-network.ts'

const never = new AbortController().signal
const OFF = { cover: 'off' } as const
const PATIENT = 60_000
const EVERY_MS = 500
const NOTHING_LOST = { settled: 'fulfilled', complete: [true, true], timeouts: 0 }

/** Two clients that talk all the time, and what came of it. */
class Talk {
  readonly network = new SimNetwork({ mixesPerLayer: 1 })
  readonly ann: SimClient
  readonly bob: SimClient
  readonly #sends: Promise<void>[] = []
  #sent = 0

  constructor(skewMs = 0) {
    this.ann = this.network.addClient(OFF, -skewMs)
    this.bob = this.network.addClient(OFF, skewMs)
  }

  /** Talks until this moment: an epoch's start and a share of the way through it. */
  async until(epoch: number, share = 0): Promise<void> {
    const { clock, rules } = this.network
    const endsAt = startOf(rules.schedule, epoch) + share * rules.schedule.epochMs
    while (clock.now() + EVERY_MS < endsAt) {
      this.#sent += 1
      this.#sends.push(
        this.ann.client.send(this.bob.key, utf8(`${this.#sent}`), never),
        this.bob.client.send(this.ann.key, utf8(`${this.#sent}`), never),
      )
      await this.network.pass(EVERY_MS)
    }
    await this.network.pass(Math.max(0, endsAt - clock.now()))
  }

  /** What came of it all: who has everything, each once, and how many packets nobody answered in time. */
  async outcome(): Promise<{ settled: string; complete: boolean[]; timeouts: number }> {
    const { status: settled } = await this.network.settled(Promise.all(this.#sends))
    const all = Array.from({ length: this.#sent }, (_, i) => `${i + 1}`).toSorted()
    const complete = [this.ann, this.bob].map(({ texts }) => texts.toSorted().join() === all.join())
    const timeouts = this.ann.client.report().counts.timeouts + this.bob.client.report().counts.timeouts
    return { settled, complete, timeouts }
  }

  drops(): { wrongEpoch: number; replayed: number } {
    const mixes = [...this.network.mixes.values()]
    const sum = (reason: 'wrong_epoch' | 'replayed') =>
      mixes.reduce((total, { stats }) => total + stats.dropped(reason), 0)
    return { wrongEpoch: sum('wrong_epoch'), replayed: sum('replayed') }
  }

  standings(): (string | undefined)[] {
    return [this.ann, this.bob].map(({ directory }) => directory.standing().state)
  }
}

describe('a consensus that comes', () => {
  test('a third of an epoch late costs no packet, wherever it comes first', { timeout: PATIENT }, async () => {
    const talk = new Talk()
    const { network } = talk
    network.agreeOn(2)
    await talk.until(2, 0.1)
    expect(talk.standings()).toEqual(['late', 'late'])
    expect(talk.ann.directory.standing().why).toContain('The consensus of epoch 2 is missing')
    // Some nodes, then one client, then the others.
    await talk.until(2, 0.2)
    network.tellNodes((index) => index % 2 === 0)
    await talk.until(2, 0.25)
    network.tellClients(talk.ann)
    await talk.until(2, 0.33)
    network.tellNodes()
    network.tellClients()
    await talk.until(2, 0.6)
    expect(talk.standings()).toEqual(['current', 'current'])
    network.agreeOnNext()
    await talk.until(3, 0.4)
    expect(await talk.outcome()).toEqual(NOTHING_LOST)
    expect(talk.drops()).toEqual({ wrongEpoch: 0, replayed: 0 })
  })

  test(
    'never, for one epoch, costs no packet, with clocks as far apart as they may',
    { timeout: PATIENT },
    async () => {
      const talk = new Talk(450)
      await talk.until(2, 0.7)
      talk.network.agreeOn(3)
      talk.network.tellNodes()
      talk.network.tellClients()
      await talk.until(3, 0.4)
      expect(talk.standings()).toEqual(['current', 'current'])
      expect(await talk.outcome()).toEqual(NOTHING_LOST)
      expect(talk.drops()).toEqual({ wrongEpoch: 0, replayed: 0 })
    },
  )

  test(
    'to half of the clients only leaves the others where they were: all reach all',
    { timeout: PATIENT },
    async () => {
      const talk = new Talk()
      const { network } = talk
      await talk.until(1, 0.7)
      network.agreeOn(2)
      network.tellNodes()
      network.tellClients(talk.ann)
      await talk.until(2, 0.9)
      expect(talk.standings()).toEqual(['current', 'late'])
      expect(await talk.outcome()).toEqual(NOTHING_LOST)
      expect(talk.drops()).toEqual({ wrongEpoch: 0, replayed: 0 })
    },
  )

  test('no more stops the network for all to see, and the next one starts it again', { timeout: PATIENT }, async () => {
    const talk = new Talk()
    const { network, ann, bob } = talk
    await talk.until(2, 0.9)
    expect(await talk.outcome()).toEqual(NOTHING_LOST)
    await talk.until(3, 0.1)
    expect(talk.standings()).toEqual(['stopped', 'stopped'])
    expect(ann.directory.standing().why).toContain('No consensus came since that of epoch 1')
    expect([ann.client.homes(), ann.client.report().directory.state]).toEqual([[], 'stopped'])
    const before = ann.client.report().counts.real
    const waiting = ann.client.send(bob.key, utf8('still there?'), never)
    await network.pass(3.6 * network.rules.schedule.epochMs)
    expect(ann.client.report().counts.real).toBe(before)
    network.agreeOn(7)
    network.tellNodes()
    network.tellClients()
    expect(await network.settled(waiting)).toMatchObject({ status: 'fulfilled' })
    expect(bob.texts).toContain('still there?')
    expect(talk.standings()).toEqual(['current', 'current'])
  })

  test('no more gives up what waits, and says why', { timeout: PATIENT }, async () => {
    const network = new SimNetwork({ mixesPerLayer: 1 })
    const ann = network.addClient({ ...OFF, mostAgeMs: 60_000 })
    await network.pass(2.1 * network.rules.schedule.epochMs)
    const sent = await network.settled(ann.client.send(ann.key, utf8('x'), never))
    expect(sent).toMatchObject({ reason: { code: 'transport.peer_unreachable' } })
    const { cause } = (sent as PromiseRejectedResult).reason as Error
    expect(String(cause)).toContain('the network stands still')
  })
})

test('a packet is taken once as long as its key is served, by its consensus or the one before', async () => {
  const network = new SimNetwork({ mixesPerLayer: 1 })
  const { epochMs } = network.rules.schedule
  const ann = network.addClient(OFF)
  const seen: Uint8Array[] = []
  const { mix } = network.node(0)
  mix.fault = (packet) => {
    seen.push(packet)
    return [{ packet, lateMs: 0 }]
  }
  await network.pass(epochMs + 1_000)
  await network.settled(ann.client.send(ann.key, utf8('once'), never))
  expect(seen.length).toBeGreaterThan(0)
  const next = network.node(1).mix
  const again = () => {
    const before = next.stats.dropped('replayed')
    for (const packet of seen) next.take(packet)
    return next.stats.dropped('replayed') - before
  }
  expect(again()).toBe(seen.length)
  network.agreeOn(2)
  network.tellNodes()
  expect(again()).toBe(seen.length)
  await network.pass(0.6 * epochMs)
  network.agreeOnNext()
  await network.pass(0.4 * epochMs)
  expect(again()).toBe(seen.length)
  // Then the key is gone, and with it whatever could be done with the packets.
  await network.pass(0.4 * epochMs)
  expect([again(), next.stats.dropped('wrong_epoch') + next.stats.dropped('not_genuine')]).toEqual([0, seen.length])
})
