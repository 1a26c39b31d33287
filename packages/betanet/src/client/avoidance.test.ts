import { seededRng, toHex, utf8 } from '@fog/kernel'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Consensus, ConsensusNode } from '../directory/index.ts'
import type { SimFault } from '../testing/sim-mix.ts'
import { SimNetwork } from '../testing/sim-network.ts'
import { Avoidance } from './avoidance.ts'
import { LoopWatch } from './loop-watch.ts'

const PATIENT = 60_000
const EPOCH_MS = 20_000
const LAYER = 4

function nodeOf(name: string, place: ConsensusNode['place'], weight = 100): ConsensusNode {
  const descriptor = { identityKey: utf8(name), operator: name, packetsPerSecond: 100 }
  return { signed: { descriptor }, place, weight } as unknown as ConsensusNode
}

const idOf = (name: string) => toHex(utf8(name))

/** Four mixes a layer and two gateways: `a0` to `c3`, `g0` and `g1`. */
function consensusOf(weights: Readonly<Record<string, number>> = {}): Consensus {
  const layers = ['a', 'b', 'c'].flatMap((layer, place) =>
    Array.from({ length: LAYER }, (_, i) => {
      const name = `${layer}${i}`
      return nodeOf(name, place as 0 | 1 | 2, weights[name])
    }),
  )
  const gateways = [nodeOf('g0', 'gateway'), nodeOf('g1', 'gateway')]
  return { epoch: 1, validAfter: 0, freshUntil: EPOCH_MS, nodes: [...layers, ...gateways] } as unknown as Consensus
}

let loops: LoopWatch
let avoidance: Avoidance
let rng: ReturnType<typeof seededRng>

beforeEach(() => {
  loops = new LoopWatch()
  avoidance = new Avoidance(loops)
  rng = seededRng(3)
})

/** Loops like a client's, with those through the named nodes lost. */
function send(count: number, ...dropping: readonly string[]): void {
  const pick = (layer: string, of: number) => {
    const names = Array.from({ length: of }, (_, i) => `${layer}${i}`)
    const left = names.filter((name) => !avoidance.avoided.has(idOf(name)))
    return left[Math.floor(rng.next() * left.length)]!
  }
  for (let i = 0; i < count; i++) {
    const id = rng.bytes(16)
    const hops = [pick('g', 2), pick('a', LAYER), pick('b', LAYER), pick('c', LAYER), pick('g', 2)]
    loops.sent(
      id,
      hops.map((hop) => utf8(hop)),
      { lateAt: 1, lostAt: 1 },
    )
    if (hops.some((hop) => dropping.includes(hop))) loops.expire(1)
    else loops.returned(id, 0)
  }
}

function look(now: number, consensus = consensusOf()): string[] {
  return avoidance.look(now, consensus).map((event) => `${event.type} ${Buffer.from(event.nodeId, 'hex').toString()}`)
}

function avoided(): string[] {
  return [...avoidance.avoided].map((id) => Buffer.from(id, 'hex').toString()).toSorted()
}

describe('a client', () => {
  test('avoids a mix that its loops blame for an epoch, then tries it anew, and twice as long if it is no better', () => {
    send(200, 'b2')
    expect(look(0)).toEqual(['node.suspected b2'])
    expect([avoided(), avoidance.suspects()[0]]).toMatchObject([['b2'], { avoidedUntil: EPOCH_MS }])
    send(200)
    expect(look(EPOCH_MS - 1)).toEqual([])
    expect(look(EPOCH_MS)).toEqual(['node.cleared b2'])
    expect(avoided()).toEqual([])
    send(200, 'b2')
    expect(look(EPOCH_MS)).toEqual(['node.suspected b2'])
    expect(avoidance.suspects()[0]?.avoidedUntil).toBe(3 * EPOCH_MS)
    expect(look(3 * EPOCH_MS)).toEqual(['node.cleared b2'])
    send(400)
    expect(look(3 * EPOCH_MS)).toEqual([])
  })

  test('never for longer than eight epochs, and forgets what is long past', () => {
    let now = 0
    const times = Array.from({ length: 6 }, () => {
      send(200, 'a1')
      look(now)
      const until = avoidance.suspects()[0]!.avoidedUntil!
      const epochs = (until - now) / EPOCH_MS
      now = until
      look(now)
      return epochs
    })
    expect(times).toEqual([1, 2, 4, 8, 8, 8])
    now += 9 * EPOCH_MS
    send(200, 'a1')
    look(now)
    expect(avoidance.suspects()[0]!.avoidedUntil).toBe(now + EPOCH_MS)
  })

  test('leaves at most two fifths of a layer’s weight out, whoever looks bad: nobody steers it onto their own nodes', () => {
    send(400, 'a0', 'a1', 'a2', 'c0')
    look(0)
    expect(avoided().filter((name) => name.startsWith('a'))).toHaveLength(1)
    expect(avoided()).toContain('c0')
    expect(
      avoidance
        .suspects()
        .map(({ nodeId }) => Buffer.from(nodeId, 'hex').toString())
        .toSorted(),
    ).toEqual(['a0', 'a1', 'a2', 'c0'])
  })

  test('does not leave a node out that has too much of the weight, nor where too few are left', () => {
    const heavy = consensusOf({ b0: 300 })
    send(300, 'b0')
    expect(look(0, heavy)).toEqual(['node.suspected b0'])
    expect(avoided()).toEqual([])
    const few = consensusOf()
    const two = { ...few, nodes: few.nodes.filter(({ place }, i) => place !== 1 || i % LAYER < 2) }
    expect(look(0, two)).toEqual([])
    expect(avoided()).toEqual([])
  })

  test('tells of a gateway that loses its loops, and goes on by it: others look for it there', () => {
    send(300, 'g1')
    expect(look(0)).toEqual(['node.suspected g1'])
    expect(avoidance.suspects()).toEqual([{ nodeId: idOf('g1'), standing: 'blocking', avoidedUntil: undefined }])
    expect(avoided()).toEqual([])
    send(600)
    expect(look(0)).toEqual(['node.cleared g1'])
  })
})

test('a client of a network goes around a mix that drops, with all its packets', { timeout: PATIENT }, async () => {
  const network = new SimNetwork({ mixesPerLayer: 3, parameters: { clientSendMeanMs: 200, clientLoopMeanMs: 20 } })
  const { id, mix } = network.node(1)
  let through = 0
  const drops: SimFault = () => {
    through += 1
    return []
  }
  mix.fault = drops
  const ann = network.addClient({ loopSlackMs: 100, lateSlackMs: 50 })
  await network.pass(5_000)
  expect(ann.events.map(({ type, nodeId }) => `${type} ${nodeId}`)).toEqual([`node.suspected ${id}`])
  expect(ann.client.report().suspects).toMatchObject([{ nodeId: id, standing: 'blocking' }])
  await network.pass(500)
  through = 0
  const before = ann.client.report().loops.sent
  await network.settled(ann.client.send(ann.key, utf8('around'), new AbortController().signal))
  await network.pass(2_000)
  expect(ann.client.report().loops.sent).toBeGreaterThan(before + 50)
  expect([through, ann.client.report().counts.timeouts]).toEqual([0, 0])
})
