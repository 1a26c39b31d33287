import { toHex, utf8 } from '@fog/kernel'
import { noiseSuite, systemRng } from '@fog/kernel/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Consensus, signedConsensusForm } from '../directory/index.ts'
import { histogramDigest } from '../delay/index.ts'
import { parseDelivery } from '../gateway/inbox.ts'
import { LINK_MESSAGE } from '../link/index.ts'
import { PathChooser } from '../lottery/index.ts'
import { buildPacket, suites } from '../sphinx/index.ts'
import { RawPeer } from '../testing/raw-peer.ts'
import { TestNetwork } from '../testing/test-network.ts'

const PATIENT = { timeout: 20_000 }
const noise = noiseSuite()
let network: TestNetwork

beforeEach(async () => {
  network = new TestNetwork(['mix', 'mix', 'mix', 'gateway', 'gateway'])
  await network.start()
})

afterEach(() => network.stop())

/** On to the second epoch: keys must be known an epoch ahead, so in the first nobody has a place. */
async function served(): Promise<Consensus> {
  await network.pass(52)
  return consensus()
}

async function consensus(): Promise<Consensus> {
  return signedConsensusForm.parse((await network.authority.newestConsensus())!).consensus
}

/** A client at the given gateway, with its link open. */
async function clientOf(gateway: Uint8Array): Promise<{ peer: RawPeer; key: Uint8Array }> {
  const own = noise.makeKeyPair()
  const node = network.nodes.find(({ nodeId }) => toHex(nodeId) === toHex(gateway))!
  const { nodes } = await consensus()
  const remote = nodes.find(({ signed }) => toHex(signed.descriptor.identityKey) === toHex(gateway))!.signed.descriptor
  const peer = new RawPeer(noise, node.ports[0]!, { own, remote: remote.linkKey })
  await peer.handshake()
  return { peer, key: own.publicKey }
}

describe('a network of mix nodes', () => {
  test('drops and counts what is for somebody who is not here', async () => {
    const found = await served()
    const gateway = found.nodes.find(({ place }) => place === 'gateway')!.signed.descriptor
    const node = network.nodes.find(({ nodeId }) => toHex(nodeId) === toHex(gateway.identityKey))!
    const { peer } = await clientOf(gateway.identityKey)
    const hop = { id: gateway.identityKey, publicKey: gateway.sphinxKey, recipient: systemRng.bytes(32) }
    const epochParity = (found.epoch % 2) as 0 | 1
    peer.send(buildPacket(suites.betanetKemX25519, [hop], utf8('to nobody here'), systemRng, { epochParity }))
    await expect.poll(() => node.status().figures.drops.no_recipient, PATIENT).toBe(1)
    expect(node.status().figures.counts.delivered).toBe(0)
    peer.close()
  })

  test('finds its layers by the consensus, and carries a packet from client to client through five of them', async () => {
    const found = await served()
    expect(found.nodes.map(({ place }) => String(place)).toSorted()).toEqual(['0', '1', '2', 'gateway', 'gateway'])
    const chosen = new PathChooser(found).choose({ epoch: found.epoch }, systemRng)
    expect(chosen.ok && chosen.hops).toHaveLength(5)
    const hops = chosen.ok ? chosen.hops : []
    const sender = await clientOf(hops[0]!.nodeId)
    const receiver = await clientOf(hops[4]!.nodeId)
    await expect.poll(() => network.nodes.reduce((sum, node) => sum + node.status().clients, 0), PATIENT).toBe(2)
    const path = hops.map(({ nodeId: id, sphinxKey: publicKey }, i) => ({
      id,
      publicKey,
      ...(i === 4 ? { recipient: receiver.key } : {}),
    }))
    const epochParity = (found.epoch % 2) as 0 | 1
    sender.peer.send(buildPacket(suites.betanetKemX25519, path, utf8('to you'), systemRng, { epochParity }))
    const message = await receiver.peer.message()
    expect(message.type).toBe(LINK_MESSAGE.deliver)
    const delivery = parseDelivery(message.body)!
    expect(Buffer.from(delivery.body.subarray(0, 6)).toString()).toBe('to you')
    receiver.peer.sendMessage(LINK_MESSAGE.taken, delivery.id)
    await expect.poll(() => network.nodes.reduce((sum, node) => sum + node.status().waiting, 0), PATIENT).toBe(0)
    for (const { peer } of [sender, receiver]) peer.close()
  })

  test('goes on over epochs: keys change, places are drawn anew, and loops come back', async () => {
    const first = await served()
    await network.pass(45)
    const later = await consensus()
    expect(later.epoch).toBeGreaterThan(first.epoch + 1)
    const keysOf = ({ nodes }: Consensus) => nodes.map(({ signed }) => toHex(signed.descriptor.sphinxKey))
    expect(keysOf(later).filter((key) => keysOf(first).includes(key))).toEqual([])
    await expect
      .poll(() => network.nodes.map((node) => node.status().loops.returned > 0), PATIENT)
      .toEqual([true, true, true, true, true])
    for (const { counts, drops } of network.nodes.map((node) => node.status().figures)) {
      expect(drops.malformed).toBe(0)
      // Epochs pass in a second here: on a busy machine a packet may come so late that its key is gone.
      expect(drops.not_genuine).toBeLessThan(5 + counts.received / 10)
    }
  })

  test('reveals what fixed its delays two epochs later, and the consensus finds it genuine', async () => {
    await served()
    await network.pass(60)
    const { nodes } = await consensus()
    expect(nodes.map(({ reveal }) => reveal)).toEqual(Array.from({ length: 5 }, () => 'valid'))
    // Beside it stands how long packets really stayed, of all its threads.
    const node = network.nodes[0]!
    const { descriptor } = nodes.find(
      ({ signed }) => toHex(signed.descriptor.identityKey) === toHex(node.nodeId),
    )!.signed
    const stays = node.staysOf(descriptor.reveal!.epoch)!
    expect(descriptor.histogramDigest).toEqual(histogramDigest(stays))
  })
})

test('a node that starts anew has new keys, serves from the next consensus that names them, and still reveals its past', async () => {
  await served()
  await network.nodes[0]!.stop()
  const after = network.makeNode('mix', 0)
  await after.start()
  network.nodes[0] = after
  await network.pass(85)
  const inEpoch = async (epoch: number) => {
    const { nodes } = signedConsensusForm.parse((await network.store.findConsensus(epoch))!).consensus
    const own = nodes.find(({ signed }) => toHex(signed.descriptor.identityKey) === toHex(after.nodeId))!
    return { hasPlace: own.place !== 'waiting', reveal: own.reveal }
  }
  // Its keys of epoch 3 were not named an epoch ahead; what it did in epoch 2, before, it can still explain.
  expect([await inEpoch(3), await inEpoch(4), await inEpoch(6)]).toEqual([
    { hasPlace: false, reveal: 'valid' },
    { hasPlace: true, reveal: 'valid' },
    { hasPlace: true, reveal: 'valid' },
  ])
  const problems = network.events.filter(({ node, event }) => node === 0 && event.type.endsWith('refused'))
  expect(problems).toEqual([])
})
