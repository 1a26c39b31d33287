import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import { toHex, utf8 } from '@fog/kernel'
import { noiseSuite, systemRng } from '@fog/kernel/node'
import { afterEach, describe, expect, test } from 'vitest'
import { LINK_MESSAGE } from '../link/index.ts'
import type { DropReason } from '../mix/index.ts'
import { buildPacket, type PathHop, suites } from '../sphinx/index.ts'
import { RawPeer } from '../testing/raw-peer.ts'
import { startMixes, TestMix, type TestMixOptions } from '../testing/test-mix.ts'
import { DEFAULT_VERTICAL_LIMITS, MixEngine } from './index.ts'

const suite = suites.betanetKemX25519
const noise = noiseSuite()
const open: { stop(): unknown }[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.stop()))
})

async function started(count: number, options?: TestMixOptions): Promise<TestMix[]> {
  const mixes = await startMixes(count, options)
  open.push(...mixes.map(({ engine }) => engine))
  return mixes
}

function packetFor(path: readonly PathHop[], text: string, epochParity: 0 | 1 = 0): Uint8Array {
  return buildPacket(suite, path, utf8(text), systemRng, { epochParity })
}

/** A link to one thread of the node, from somebody it knows as a neighbour. */
async function linkTo(mix: TestMix, thread = 0): Promise<RawPeer> {
  const own = noise.makeKeyPair()
  const { neighbour } = mix
  mix.engine.setNeighbours([
    neighbour,
    { nodeId: systemRng.bytes(32), linkKey: own.publicKey, host: '127.0.0.1', ports: [1] },
  ])
  const peer = new RawPeer(noise, mix.engine.ports[thread]!, { own, remote: mix.linkKeys.publicKey })
  open.push({ stop: () => peer.close() })
  return peer.handshake()
}

/** A link from somebody the node does not know: a client. */
function linkOfStranger(mix: TestMix): RawPeer {
  const own = noise.makeKeyPair()
  const peer = new RawPeer(noise, mix.engine.ports[0]!, { own, remote: mix.linkKeys.publicKey })
  open.push({ stop: () => peer.close() })
  return peer
}

function textsAt({ arrivals }: TestMix): string[] {
  return arrivals.map(({ body }) => Buffer.from(body).toString().replaceAll('\0', ''))
}

/** Counters lie in shared memory, which nothing tells about. */
const PATIENT = { timeout: 10_000 }

describe('three mix nodes on real sockets', () => {
  test('carry every packet to its last hop, where it can be read, in another order', async () => {
    const [first, second, last] = (await started(3)) as [TestMix, TestMix, TestMix]
    const texts = Array.from({ length: 100 }, (_, i) => `packet ${i}`)
    for (const text of texts) first.engine.send(first.nodeId, packetFor([first.hop, second.hop, last.end], text))
    await last.until(() => last.arrivals.length === 100)
    const read = textsAt(last)
    expect(read.toSorted()).toEqual(texts.toSorted())
    expect(read).not.toEqual(texts)
    expect(last.arrivals.every(({ recipient }) => toHex(recipient!) === toHex(last.nodeId))).toBe(true)
  })

  test('lose nothing of a burst that is sent before the link for it is open', async () => {
    const [first, second] = (await started(2)) as [TestMix, TestMix]
    const packets = Array.from({ length: 300 }, (_, i) => packetFor([second.end], `packet ${i}`))
    for (const packet of packets) first.engine.send(second.nodeId, packet)
    await second.until(() => second.arrivals.length === 300)
    expect(first.engine.stats().dropped('link_full')).toBe(0)
  })

  test('go on when one of them dies and comes back, and count what could not be sent meanwhile', async () => {
    const [first, second] = (await started(2)) as [TestMix, TestMix]
    first.engine.send(first.nodeId, packetFor([first.hop, second.end], 'before'))
    await second.until(() => second.arrivals.length === 1)
    const { ports } = second.engine
    await second.engine.stop()
    first.engine.send(first.nodeId, packetFor([first.hop, second.end], 'lost'))
    await expect.poll(() => first.engine.stats().get('linksOut'), PATIENT).toBe(1)
    expect(ports).toHaveLength(2)
    first.engine.send(first.nodeId, packetFor([first.end], 'still here'))
    await first.until(() => first.arrivals.length === 1)
  })
})

describe('over UDP', () => {
  test('small packets go as datagrams once the links agreed, and arrive', async () => {
    const [first, second, last] = (await started(3, { datagrams: true })) as [TestMix, TestMix, TestMix]
    const path = [first.hop, second.hop, last.end]
    const send = (text: string) =>
      first.engine.send(
        first.nodeId,
        buildPacket(suites.betanetKemX25519Small, path, utf8(text), systemRng, { epochParity: 0 }),
      )
    // The first goes over the links that it opens; datagrams follow as soon as both sides know their key.
    send('first')
    await last.until(() => last.arrivals.length === 1)
    const texts = Array.from({ length: 40 }, (_, i) => `packet ${i}`)
    for (const text of texts) send(text)
    await last.until(() => last.arrivals.length === 41)
    expect(textsAt(last).slice(1).toSorted()).toEqual(texts.toSorted())
    expect(last.engine.stats().get('received')).toBe(41)
  })

  test('whatever comes to the port from strangers is counted and forgotten', async () => {
    const [mix] = (await started(1, { datagrams: true })) as [TestMix]
    const stranger = createSocket('udp4')
    open.push({ stop: () => stranger.close() })
    for (const bytes of [0, 1, 40, 1232, 5000]) stranger.send(systemRng.bytes(bytes), mix.engine.ports[0], '127.0.0.1')
    await expect.poll(() => mix.engine.stats().dropped('not_genuine'), PATIENT).toBe(5)
  })
})

describe('a packet', () => {
  test('is taken once, whichever thread it comes to and however often', async () => {
    const [mix] = (await started(1)) as [TestMix]
    const packet = packetFor([mix.end], 'once')
    const [one, other] = [await linkTo(mix, 0), await linkTo(mix, 1)]
    for (const peer of [one, other]) peer.send(packet, packet)
    await expect.poll(() => mix.engine.stats().dropped('replayed'), PATIENT).toBe(3)
    await mix.until(() => mix.arrivals.length > 0)
    expect(textsAt(mix)).toEqual(['once'])
  })

  test.each<[string, DropReason, (packet: Uint8Array) => Uint8Array]>([
    ['of another version', 'malformed', (packet) => packet.with(0, 9)],
    ['of an epoch that is not there', 'wrong_epoch', (packet) => packet.with(1, 1)],
    ['with another element', 'not_genuine', (packet) => packet.with(10, packet[10]! ^ 1)],
    ['with an element of low order', 'not_genuine', (packet) => packet.fill(0, 2, 34)],
    ['with other routing', 'not_genuine', (packet) => packet.with(300, packet[300]! ^ 128)],
    ['with another MAC', 'not_genuine', (packet) => packet.with(620, packet[620]! ^ 4)],
    ['with another payload', 'not_genuine', (packet) => packet.with(2000, packet[2000]! ^ 1)],
  ])('%s is dropped as %s, and nothing is said', async (_, reason, bend) => {
    const [mix] = (await started(1)) as [TestMix]
    const peer = await linkTo(mix)
    peer.send(bend(packetFor([mix.end], 'bent')), packetFor([mix.end], 'straight'))
    await mix.until(() => mix.arrivals.length === 1)
    expect(textsAt(mix)).toEqual(['straight'])
    await expect.poll(() => mix.engine.stats().dropped(reason), PATIENT).toBe(1)
    peer.sendMessage(LINK_MESSAGE.ping, new Uint8Array(0))
    expect((await peer.message()).type).toBe(LINK_MESSAGE.pong)
  })

  test('for a node nobody knows is dropped and counted', async () => {
    const [mix] = (await started(1)) as [TestMix]
    const stranger = new TestMix()
    open.push(stranger.engine)
    const peer = await linkTo(mix)
    peer.send(packetFor([mix.hop, stranger.end], 'nowhere'))
    await expect.poll(() => mix.engine.stats().dropped('no_route'), PATIENT).toBe(1)
  })

  test('beyond what the node can hold is dropped and counted, and what it holds goes out', async () => {
    const [first, last] = (await started(2, { threads: 1, meanSteps: 3000, limits: { slots: 8 } })) as [
      TestMix,
      TestMix,
    ]
    const packets = Array.from({ length: 20 }, (_, i) => packetFor([first.hop, last.end], `${i}`))
    for (const packet of packets) first.engine.send(first.nodeId, packet)
    await expect.poll(() => first.engine.stats().dropped('node_full'), PATIENT).toBe(12)
    await last.until(() => last.arrivals.length === 8)
  })
})

describe('a link', () => {
  test('from somebody unknown is refused, unless clients are taken', async () => {
    const [closed] = (await started(1)) as [TestMix]
    const [gateway] = (await started(1, { takesClients: true })) as [TestMix]
    const own = noise.makeKeyPair()
    const refused = new RawPeer(noise, closed.engine.ports[0]!, { own, remote: closed.linkKeys.publicKey })
    await refused.handshake()
    await refused.closed
    const client = new RawPeer(noise, gateway.engine.ports[0]!, { own, remote: gateway.linkKeys.publicKey })
    await client.handshake()
    await gateway.until(() => gateway.clients.length === 1)
    expect(gateway.engine.deliver(own.publicKey, utf8('for you'))).toBe(true)
    expect(await client.message()).toEqual({ type: LINK_MESSAGE.deliver, body: new Uint8Array(utf8('for you')) })
    client.close()
    await gateway.until(() => gateway.clients.length === 2)
    expect(gateway.engine.deliver(own.publicKey, utf8('too late'))).toBe(false)
  })

  test('that never finishes its handshake is closed', async () => {
    const [mix] = (await started(1, {
      limits: { link: { ...DEFAULT_VERTICAL_LIMITS.link, handshakeMs: 100 } },
    })) as [TestMix]
    const silent = new RawPeer(noise, mix.engine.ports[0]!, {
      own: noise.makeKeyPair(),
      remote: mix.linkKeys.publicKey,
    })
    await silent.closed
    await mix.until(() => mix.closedLinks.length === 1)
    expect(mix.closedLinks[0]).toContain('not done after 100 ms')
  })

  test('that falls silent is asked, and closed when it does not answer', async () => {
    const [mix] = (await started(1, { limits: { link: { ...DEFAULT_VERTICAL_LIMITS.link, silenceMs: 1000 } } })) as [
      TestMix,
    ]
    const peer = await linkTo(mix)
    expect((await peer.message()).type).toBe(LINK_MESSAGE.ping)
    await peer.closed
  })

  test('of a client that floods is read no faster than its rate allows, and other clients notice nothing', async () => {
    const [mix] = (await started(1, {
      takesClients: true,
      threads: 1,
      limits: { clientRate: { packetsPerSecond: 50, burst: 10 } },
    })) as [TestMix]
    const [flooder, other] = [linkOfStranger(mix), linkOfStranger(mix)]
    await Promise.all([flooder.handshake(), other.handshake()])
    for (let frame = 0; frame < 10; frame++) {
      flooder.send(...Array.from({ length: 10 }, (_, i) => packetFor([mix.end], `flood ${frame} ${i}`)))
    }
    await mix.until(() => mix.arrivals.length >= 10)
    other.send(packetFor([mix.end], 'in time'))
    await mix.until(() => textsAt(mix).includes('in time'))
    expect(textsAt(mix).length).toBeLessThan(60)
    // What waited is taken when its time has come.
    await mix.until(() => mix.arrivals.length === 101)
  })

  test('that speaks rubbish is closed, and the others go on', async () => {
    const [mix] = (await started(1)) as [TestMix]
    const [bad, good] = [await linkTo(mix), await linkTo(mix)]
    bad.socket.write(systemRng.bytes(70_000))
    await bad.closed
    good.send(packetFor([mix.end], 'fine'))
    await mix.until(() => mix.arrivals.length === 1)
    expect(textsAt(mix)).toEqual(['fine'])
    const stranger = new RawPeer(noise, mix.engine.ports[1]!, {
      own: noise.makeKeyPair(),
      remote: noise.makeKeyPair().publicKey,
    })
    await stranger.handshake()
    await stranger.closed
  })

  test('whose far end does not read costs its own packets, and bounded memory', async () => {
    const [mix] = (await started(1, {
      threads: 1,
      meanSteps: 1,
      limits: { link: { ...DEFAULT_VERTICAL_LIMITS.link, mostUnsentBytes: 100_000, mostWaitingFrames: 2 } },
    })) as [TestMix]
    const deaf = createServer((socket) => void socket.pause())
    await new Promise<void>((resolve) => void deaf.listen(0, '127.0.0.1', resolve))
    open.push({ stop: () => deaf.close() })
    const address = deaf.address()
    const far = { nodeId: systemRng.bytes(32), keys: noise.makeKeyPair() }
    const peer = await linkTo(mix)
    mix.engine.setNeighbours([
      mix.neighbour,
      {
        nodeId: far.nodeId,
        linkKey: far.keys.publicKey,
        host: '127.0.0.1',
        ports: [typeof address === 'object' && address ? address.port : 0],
      },
    ])
    const path = [mix.hop, { id: far.nodeId, publicKey: far.keys.publicKey, recipient: far.nodeId }]
    for (let frame = 0; frame < 8; frame++) {
      peer.send(...Array.from({ length: 12 }, (_, i) => packetFor(path, `${frame} ${i}`)))
    }
    await expect.poll(() => mix.engine.stats().dropped('link_full'), PATIENT).toBeGreaterThan(10)
    peer.send(packetFor([mix.end], 'others are served'))
    await mix.until(() => mix.arrivals.length === 1)
  })
})

test('a node that drains sends everything it holds, then ends', async () => {
  const [first, last] = (await started(2, { meanSteps: 1000 })) as [TestMix, TestMix]
  for (let i = 0; i < 50; i++) first.engine.send(first.nodeId, packetFor([first.hop, last.end], `${i}`))
  await expect.poll(() => first.engine.stats().get('forwarded'), PATIENT).toBe(50)
  await first.engine.drain(30_000)
  await last.until(() => last.arrivals.length === 50)
})

test('a node one of whose ports is taken says so, and its other threads stop all the same', async () => {
  const taken = createServer()
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as AddressInfo).port))
  })
  const events = { arrived: none, client: none, taken: none, paced: none, linkClosed: none, stays: none, failed: none }
  const own = { suite: 'betanetKemX25519', linkKeys: noise.makeKeyPair(), host: '127.0.0.1' } as const
  const engine = new MixEngine({ ...own, ports: [0, port], takesClients: false, events })
  await expect(engine.start()).rejects.toThrow('EADDRINUSE')
  await engine.drain(2_000)
  taken.close()
})

function none(): void {}
