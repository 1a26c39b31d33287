import { utf8 } from '@fog/kernel'
import type { BetaNetTransport } from './index.ts'
import { startOf } from '../directory/index.ts'
import { type ClientNetwork, startTestNetwork } from '../testing/client-network.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

const PATIENT = { timeout: 60_000 }
const OFF = { cover: 'off' } as const
let fog: ClientNetwork
let ann: BetaNetTransport
let bob: BetaNetTransport
const received: string[] = []
let sent = 0

/** On to this moment, an epoch's start and a share of the way through it, while the two talk every other second. */
async function until(epoch: number, share: number, talk: 'talking' | 'silent' = 'talking'): Promise<void> {
  const { clock, rules } = fog.network
  const endsAt = startOf(rules.schedule, epoch) + share * rules.schedule.epochMs
  for (let second = 0; clock.now() < endsAt; second++) {
    await fog.pass(1)
    if (talk === 'silent' || second % 2 === 0) continue
    sent += 2
    const signal = AbortSignal.timeout(30_000)
    await Promise.all([ann.send(bob.peer, utf8(`${sent - 1}`), signal), bob.send(ann.peer, utf8(`${sent}`), signal)])
  }
}

function standings(): (string | undefined)[] {
  const nodes = fog.network.nodes.map((node) => node.status().directory.state)
  return [...new Set(nodes), ann.status().directory.state, bob.status().directory.state]
}

/** Packets that came in an epoch whose key was not served, at any node. */
function untimely(): number {
  return fog.network.nodes.reduce((sum, node) => sum + node.status().figures.drops.wrong_epoch, 0)
}

function told(type: string): (number | undefined)[] {
  const ofNodes = fog.network.events.filter(({ event }) => event.type === type)
  return [...new Set(ofNodes.map(({ event }) => ('epoch' in event ? event.epoch : undefined)))]
}

beforeAll(async () => {
  fog = await startTestNetwork()
  ann = await fog.newTransport(OFF)
  bob = await fog.newTransport(OFF)
  for (const transport of [ann, bob]) transport.onFrame((_, frame) => received.push(Buffer.from(frame).toString()))
}, 60_000)

afterAll(() => fog.stop())

test(
  'real nodes live through a late consensus, a missing one, and clients without it, and lose nothing',
  PATIENT,
  async () => {
    const { network } = fog
    // Of epoch 3 nodes hear a third of an epoch late, every other one later still; one client only when half of it is over.
    network.hides = (epoch, node) =>
      epoch === 3 && network.clock.now() < startOf(network.rules.schedule, 3) + (node % 2 === 0 ? 6_700 : 9_000)
    fog.hides = (epoch, client) =>
      epoch === 3 && client === 1 && network.clock.now() < startOf(network.rules.schedule, 3) + 10_500
    await until(2, 0.8, 'silent')
    await until(3, 0.2)
    expect(standings()).toEqual(['late', 'current', 'late'])
    await until(3, 0.5)
    expect(standings()).toEqual(['current', 'current', 'late'])
    await until(3, 0.55, 'silent')
    // Then none of epoch 4 is made.
    network.isDirectoryDown = true
    await until(4, 0.3)
    expect(standings().slice(0, 2)).toEqual(['late', 'late'])
    network.isDirectoryDown = false
    await until(4, 0.8, 'silent')
    await until(5, 0.2)
    expect(standings()).toEqual(['current', 'current', 'current'])
    expect(received.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
    expect(untimely()).toBe(0)
    expect([told('network.late'), told('network.recovered')]).toEqual([
      [2, 3],
      [3, 5],
    ])
    expect(told('network.stopped')).toEqual([])
  },
)

test('what they revealed of the epoch that began without its consensus is found right', PATIENT, async () => {
  await until(5, 0.9, 'silent')
  const { nodes } = await fog.consensus()
  expect(nodes.map(({ reveal }) => reveal)).toEqual(nodes.map(() => 'none'))
  // Epoch 3's are in the consensus of epoch 5.
  const fifth = await fog.consensus(5)
  expect(fifth.nodes.map(({ reveal, place }) => [reveal, place !== 'waiting'])).toEqual(
    nodes.map(() => ['valid', true]),
  )
})

test('without any they stop and say why, also to clients, and start again with the next one', PATIENT, async () => {
  const { network } = fog
  await until(6, 0.1, 'silent')
  network.isDirectoryDown = true
  await until(8, 0.3, 'silent')
  expect(standings()).toEqual(['stopped', 'stopped', 'stopped'])
  expect(network.nodes.map((node) => node.status().served)).toEqual(network.nodes.map(() => []))
  const { why } = network.nodes[0]!.status().directory
  expect(why).toContain('No consensus came since that of epoch 6')
  await expect.poll(() => ann.status().gateways, PATIENT).toEqual([])
  expect([told('network.stopped'), fog.events.some(({ event }) => event.type === 'network.stopped')]).toEqual([
    [6],
    true,
  ])
  const waiting = ann.send(bob.peer, utf8('once more'), AbortSignal.timeout(40_000))
  // Long enough for keys of many epochs, none of which anybody heard of.
  await until(26, 0.1, 'silent')
  network.isDirectoryDown = false
  await until(27, 0.1, 'silent')
  expect(standings()).toEqual(['current', 'current', 'current'])
  expect((await fog.consensus()).nodes.every(({ place }) => place !== 'waiting')).toBe(true)
  await waiting
  expect(received).toContain('once more')
})
