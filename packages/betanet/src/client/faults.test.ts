import { seededRng, toHex, utf8 } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { geometry, suites } from '../sphinx/index.ts'
import type { SimFault } from '../testing/sim-mix.ts'
import { type SimClient, SimNetwork } from '../testing/sim-network.ts'

const never = new AbortController().signal
const OFF = { cover: 'off' } as const
const PATIENT = 120_000
const { blockAt } = geometry(suites.betanetKemX25519)

function bytesOf(length: number, seed = 1): Uint8Array {
  return new Uint8Array(length).map((_, i) => i * 31 + (i >> 8) + seed)
}

/** One or many packets long. */
const SIZES = [10, 1_500, 5_000, 40_000]

/** Sends messages of several sizes both ways, and looks whether each came whole and once. */
async function exchange(network: SimNetwork, ann: SimClient, bob: SimClient, rounds = 2): Promise<void> {
  const sizes = Array.from({ length: rounds }, () => SIZES).flat()
  const sends = sizes.flatMap((size, i) => [
    ann.client.send(bob.key, bytesOf(size, i), never),
    bob.client.send(ann.key, bytesOf(size, i), never),
  ])
  const done = await network.settled(Promise.all(sends), 3_600_000)
  expect(done.status).toBe('fulfilled')
  // What is still under way, a copy perhaps, is to come to nothing.
  await network.pass(20_000)
  const expected = sizes.map((size, i) => toHex(bytesOf(size, i))).toSorted()
  for (const [client, other] of [
    [ann, bob],
    [bob, ann],
  ] as const) {
    expect(client.received.map(({ message }) => toHex(message)).toSorted()).toEqual(expected)
    expect(new Set(client.received.map(({ from }) => from))).toEqual(new Set([toHex(other.key)]))
  }
}

const asItIs: SimFault = (packet) => [{ packet, lateMs: 0 }]

function bad(share: number, seed: number, then: SimFault): SimFault {
  const rng = seededRng(seed)
  return (packet) => (rng.next() < share ? then(packet) : asItIs(packet))
}

describe('messages arrive whole and once', () => {
  test('when a mix drops three packets in ten', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    network.node(1).mix.fault = bad(0.3, 7, () => [])
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    await exchange(network, ann, bob)
    expect(ann.client.report().counts.timeouts + bob.client.report().counts.timeouts).toBeGreaterThan(0)
  })

  test('when a mix sends every packet twice: the next one knows it again', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    network.node(0).mix.fault = (packet) => [...asItIs(packet), { packet, lateMs: 30 }]
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    await exchange(network, ann, bob)
    const replayed = [0, 1].map((i) => network.node(1, i).mix.stats.dropped('replayed'))
    expect(replayed[0]! + replayed[1]!).toBeGreaterThan(50)
  })

  test('when a mix holds packets back so long that they are sent again', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    network.node(2).mix.fault = bad(0.5, 9, (packet) => [{ packet, lateMs: 4_000 }])
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    await exchange(network, ann, bob)
    expect(ann.client.report().counts.repeated + bob.client.report().counts.repeated).toBeGreaterThan(0)
  })

  test(
    'when a mix changes payloads on their way: what was touched is found out at the end',
    { timeout: PATIENT },
    async () => {
      const network = new SimNetwork()
      network.node(2).mix.fault = bad(0.3, 11, (packet) => {
        const touched = packet.slice()
        touched[blockAt + 100]! ^= 1
        return asItIs(touched)
      })
      const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
      await exchange(network, ann, bob)
      const gateways = [0, 1].map((i) => network.node('gateway', i).mix.stats.dropped('not_genuine'))
      // Messages by their exit gateway; answers, whose payload only their owner can judge, by him.
      expect(gateways[0]! + gateways[1]!).toBeGreaterThan(0)
      expect(ann.client.report().counts.refused + bob.client.report().counts.refused).toBeGreaterThan(0)
    },
  )

  test('when deliveries come again and again, in any order, or bent', { timeout: PATIENT }, async () => {
    const network = new SimNetwork()
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    const rng = seededRng(3)
    const old: Uint8Array[] = []
    for (const client of [ann, bob]) {
      client.onDelivery = (delivery) => {
        const bent = delivery.slice()
        bent[Math.floor(rng.next() * bent.length)]! ^= 1
        old.push(delivery)
        const again = old[Math.floor(rng.next() * old.length)]!
        // A bent answer uses its reply block up, as if it were lost.
        return rng.next() < 0.15 ? [bent, again, delivery, delivery] : [delivery, delivery, again, bent]
      }
    }
    await exchange(network, ann, bob)
    expect(bob.client.report().counts.repeated).toBeGreaterThan(0)
  })

  test('also when somebody kept a delivery and brings it again much later', { timeout: PATIENT }, async () => {
    const network = new SimNetwork({ parameters: {} })
    const mostAgeMs = 10_000
    const [ann, bob] = [network.addClient(OFF), network.addClient({ ...OFF, mostAgeMs, maxSkewMs: 1_000 })]
    await network.settled(ann.client.send(bob.key, utf8('pay 5'), never))
    const [delivery] = bob.deliveries
    for (const ms of [0, 5_000, 4_500, 2_000, 60_000]) {
      await network.pass(ms)
      bob.client.handle(delivery!)
      expect(bob.texts).toEqual(['pay 5'])
    }
    expect(bob.client.report().counts).toMatchObject({ repeated: 3, refused: 2 })
  })
})

describe('a gateway that dies', () => {
  test('in the middle of a message leaves it to the other one', { timeout: PATIENT }, async () => {
    const network = new SimNetwork({ gateways: 3 })
    const [ann, bob] = [network.addClient(OFF), network.addClient(OFF)]
    const sending = network.settled(ann.client.send(bob.key, bytesOf(200_000), never))
    await network.pass(40)
    const best = toHex(bob.client.homes()[0]!.signed.descriptor.identityKey)
    network.mixes.get(best)!.isDead = true
    for (const client of [ann, bob]) client.client.linksChanged(Buffer.from(best, 'hex'))
    expect((await sending).status).toBe('fulfilled')
    expect(bob.received.map(({ message }) => toHex(message))).toEqual([toHex(bytesOf(200_000))])
    expect(ann.client.report().counts.timeouts).toBeGreaterThan(0)
  })
})

describe('loops', () => {
  const LOOPS = { clientSendMeanMs: 1_000, clientLoopMeanMs: 10 }

  async function watched(
    fault: SimFault | undefined,
    layer: 0 | 1 | 2,
    loopSlackMs = 200,
  ): Promise<{ ann: SimClient; badId: string }> {
    const network = new SimNetwork({ parameters: LOOPS })
    const { id, mix } = network.node(layer)
    mix.fault = fault
    const ann = network.addClient({ loopSlackMs })
    await network.pass(4_500)
    return { ann, badId: id }
  }

  test('name the mix that drops three packets in ten, and no other', { timeout: PATIENT }, async () => {
    const { ann, badId } = await watched(
      bad(0.3, 5, () => []),
      1,
    )
    const { nodes, lost, returned } = ann.client.report().loops
    expect(nodes[0]).toMatchObject({ nodeId: badId, standing: 'losing' })
    expect(nodes[0]!.lossRate).toBeGreaterThan(0.15)
    expect(nodes[0]!.lossRate).toBeLessThan(0.45)
    expect(nodes.slice(1).map(({ standing }) => standing)).toEqual(nodes.slice(1).map(() => 'good'))
    expect(lost).toBeGreaterThan(20)
    expect(returned).toBeGreaterThan(lost)
  })

  test('tell of an n-1 attack: a mix that holds all but its victim’s packets back', { timeout: PATIENT }, async () => {
    const { ann, badId } = await watched(() => [], 2)
    const { nodes } = ann.client.report().loops
    expect(nodes[0]).toMatchObject({ nodeId: badId, standing: 'blocking' })
    expect(nodes[0]!.lossRate).toBeGreaterThan(0.95)
    expect(nodes.slice(1).every(({ standing }) => standing === 'good')).toBe(true)
  })

  test('name the mix that holds packets two seconds longer than it may', { timeout: PATIENT }, async () => {
    const { ann, badId } = await watched((packet) => [{ packet, lateMs: 2_000 }], 0, 5_000)
    const { nodes, lost, late } = ann.client.report().loops
    expect(nodes[0]).toMatchObject({ nodeId: badId, standing: 'delaying' })
    expect(nodes[0]!.lateRate).toBeGreaterThan(0.95)
    expect(nodes.slice(1).every(({ standing }) => standing === 'good')).toBe(true)
    expect([lost, late > 50]).toEqual([0, true])
  })

  test('suspect nobody where nobody drops anything', { timeout: PATIENT }, async () => {
    const { ann } = await watched(undefined, 0)
    const { nodes, lost } = ann.client.report().loops
    expect(lost).toBe(0)
    expect(nodes).toHaveLength(8)
    expect(nodes.every(({ standing, lossRate }) => standing === 'good' && lossRate === 0)).toBe(true)
  })
})

describe('a flood', () => {
  test(
    'of unfinished and whole messages to one client leaves its memory bounded, and others get through',
    { timeout: PATIENT },
    async () => {
      const network = new SimNetwork()
      const bob = network.addClient({ ...OFF, mostUnfinished: 8, mostUnfinishedBytes: 100_000, mostRemembered: 20 })
      const ann = network.addClient(OFF)
      const flooders = Array.from({ length: 4 }, () => network.addClient({ ...OFF, mostOutgoing: 1_000 }))
      // The third packet of each never arrives at bob: what came of the others waits.
      let packets = 0
      bob.onDelivery = (delivery) => (isFlooding && (packets += 1) % 3 === 0 ? [] : [delivery])
      let isFlooding = true
      for (const { client } of flooders) {
        for (let i = 0; i < 16; i++)
          client.send(bob.key, bytesOf(i % 2 === 0 ? 100 : 20_000, i), never).catch(() => undefined)
      }
      let most = { unfinished: 0, bytes: 0, remembered: 0, heldAnswers: 0 }
      for (let i = 0; i < 15; i++) {
        await network.pass(100)
        const { unfinished, bytes, remembered, heldAnswers } = bob.client.report().incoming
        most = {
          unfinished: Math.max(most.unfinished, unfinished),
          bytes: Math.max(most.bytes, bytes),
          remembered: Math.max(most.remembered, remembered),
          heldAnswers: Math.max(most.heldAnswers, heldAnswers),
        }
      }
      expect(most.unfinished).toBe(8)
      expect(most.bytes).toBeLessThan(100_000 + 20_000)
      expect(most.remembered).toBe(20)
      expect(most.heldAnswers).toBeLessThanOrEqual(32)
      isFlooding = false
      const sent = await network.settled(ann.client.send(bob.key, utf8('me too'), never))
      expect(sent.status).toBe('fulfilled')
      expect(bob.texts).toContain('me too')
    },
  )
})
