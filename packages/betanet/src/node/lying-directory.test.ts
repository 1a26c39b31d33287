import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Consensus, consensusDigest, signDigest, signedConsensusForm, startOf } from '../directory/index.ts'
import { authorityKeys, seedOf } from '../testing/directory-network.ts'
import { TestNetwork } from '../testing/test-network.ts'

let network: TestNetwork

beforeEach(async () => {
  network = new TestNetwork(['mix', 'gateway'])
  await network.start()
})

afterEach(() => network.stop())

async function until(epoch: number, share: number): Promise<void> {
  const { clock, rules } = network
  const endsAt = startOf(rules.schedule, epoch) + share * rules.schedule.epochMs
  while (clock.now() < endsAt) await network.pass(1)
}

async function consensus(epoch: number): Promise<Consensus> {
  return signedConsensusForm.parse((await network.store.findConsensus(epoch))!).consensus
}

/** Whatever it says, by the authority or whoever else this is. */
function signedBy(name: string, said: Consensus): Uint8Array {
  const { signingKey, signingSecretKey } = authorityKeys(name)
  const signature = signDigest(consensusDigest(said), signingSecretKey)
  return signedConsensusForm.encode({ consensus: said, signatures: [{ authority: signingKey, signature }] })
}

/** Why nodes refused what they were given while it was, each reason once. */
async function refusedWhile(lie: Uint8Array): Promise<string[]> {
  const from = network.events.length
  network.lie = lie
  await network.pass(1)
  network.lie = undefined
  const events = network.events.slice(from).map(({ event }) => event)
  return [...new Set(events.flatMap((event) => (event.type === 'consensus.refused' ? [event.reason] : [])))]
}

function states(): string[] {
  return [...new Set(network.nodes.map((node) => node.status().directory.state))]
}

test('real nodes refuse what a lying directory serves, say why, and take the truth afterwards', async () => {
  await until(3, 0.4)
  const [first, second, third] = [await consensus(1), await consensus(2), await consensus(3)]
  // Nodes begin to ask two fifths before an epoch's end; the true consensus of the fourth comes only later.
  network.hides = (epoch) => epoch === 4 && network.clock.now() < startOf(network.rules.schedule, 4) + 3_000
  await until(3, 0.7)
  const fourth = await consensus(4)
  const { parameters } = fourth
  expect(await refusedWhile(Uint8Array.of(7, 7, 7))).toEqual(['malformed'])
  expect(await refusedWhile(signedBy('stranger', fourth))).toEqual(['too_few_signatures'])
  expect(await refusedWhile(signedBy('a', { ...fourth, network: seedOf('elsewhere') }))).toEqual(['wrong_network'])
  expect(await refusedWhile(signedBy('a', { ...fourth, previousDigest: consensusDigest(first) }))).toEqual(['forked'])
  const forged = { ...parameters, delayMeansSteps: [0] }
  expect(await refusedWhile(signedBy('a', { ...third, parameters: forged }))).toEqual(['equivocation'])
  expect(await refusedWhile(signedBy('a', { ...fourth, beacon: seedOf('chosen') }))).toEqual(['flawed'])
  await until(4, 0.1)
  // An old one again: of an epoch that is over, and one that is held.
  expect(await refusedWhile(signedBy('a', first))).toEqual(['expired'])
  expect(await refusedWhile(signedBy('a', second))).toEqual(['expired'])
  expect(await refusedWhile(signedBy('a', third))).toEqual([])
  expect(states()).toEqual(['late'])
  await refusedWhile(signedBy('stranger', fourth))
  expect(network.nodes[0]!.status().directory.why).toContain('refused as too_few_signatures: 0 of 1')
  await until(4, 0.4)
  expect(states()).toEqual(['current'])
  // Another of the fourth, signed by enough as well: whoever has one keeps it.
  await until(4, 0.6)
  network.hides = (epoch) => epoch === 5
  expect(await refusedWhile(signedBy('a', { ...fourth, parameters: forged }))).toEqual(['equivocation'])
  expect(network.nodes.map((node) => node.status().epoch)).toEqual([4, 4])
})

test('a clock further off than the network allows for is told once, and again when it was right between', async () => {
  const told = () => network.events.flatMap(({ event }) => (event.type === 'clock.off' ? [event] : []))
  network.clockAheadMs = 900
  await until(1, 0.1)
  expect(told()).toEqual([])
  network.clockAheadMs = -1_500
  await until(1, 0.9)
  const [event] = told()
  expect([told().length, event]).toEqual([2, { type: 'clock.off', aheadMs: -1_500, mostMs: 1_000 }])
  network.clockAheadMs = 0
  await until(2, 0.9)
  network.clockAheadMs = 5_000
  await until(3, 0.9)
  expect(told()).toHaveLength(4)
})
