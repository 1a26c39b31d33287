import { toHex, utf8 } from '@fog/kernel'
import { noiseSuite } from '@fog/kernel/node'
import { peerIdOf } from '@fog/p2p'
import { describeTransport } from '@fog/p2p/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BetaNetClientOptions, homeGateways } from '../../client/index.ts'
import { type Consensus, signedConsensusForm } from '../../directory/index.ts'
import { type ClientNetwork, startTestNetwork } from '../../testing/client-network.ts'

const noise = noiseSuite()
const STARTUP_MS = 60_000
/** Packets of a few dozen milliseconds; on a busy machine that is what the machine takes, too. */
const PARAMETERS = { delayMeansSteps: [20], clientSendMeanMs: 10, clientLoopMeanMs: 200 }
let fog: ClientNetwork

async function newestConsensus(): Promise<Consensus> {
  return signedConsensusForm.parse((await fog.network.authority.newestConsensus())!).consensus
}

function pairOf(options: Partial<BetaNetClientOptions>) {
  return async () => {
    const [a, b] = await Promise.all([fog.newTransport(options), fog.newTransport(options)])
    return {
      a: { peer: a.peer, transport: a },
      b: { peer: b.peer, transport: b },
      nobody: peerIdOf(noise.makeKeyPair().publicKey),
      close: async () => {
        a.stop()
        b.stop()
      },
    }
  }
}

describe('over real mix nodes', () => {
  beforeAll(async () => {
    fog = await startTestNetwork({ parameters: PARAMETERS })
  }, STARTUP_MS)

  afterAll(() => fog.stop())

  describeTransport('betanet, under cover', pairOf({ mostStalls: 2 }))
  describeTransport('betanet without cover', pairOf({ cover: 'off', mostStalls: 2 }))

  test('what came while a peer was away reaches it when it is back', { timeout: 60_000 }, async () => {
    const keys = noise.makeKeyPair()
    const [ann, bob] = [await fog.newTransport({ cover: 'off' }), await fog.newTransport({ cover: 'off' }, keys)]
    bob.stop()
    const sent = ann.send(bob.peer, utf8('while you were out'), AbortSignal.timeout(60_000))
    const again = await fog.newTransport({ cover: 'off' }, keys)
    const { promise, resolve } = Promise.withResolvers<string>()
    again.onFrame((from, frame) => resolve(`${from} ${Buffer.from(frame).toString()}`))
    expect(await promise).toBe(`${ann.peer} while you were out`)
    await sent
    ann.stop()
    again.stop()
  })

  test(
    'a client that asked for it receives as often when nothing comes, and all that comes',
    { timeout: 60_000 },
    async () => {
      const [ann, bob] = [await fog.newTransport({ cover: 'off' }), await fog.newTransport({ receiveMeanMs: 10 })]
      const frames: string[] = []
      bob.onFrame((_, frame) => frames.push(Buffer.from(frame).toString()))
      const texts = Array.from({ length: 20 }, (_, i) => `frame ${i}`)
      await Promise.all(texts.map((text) => ann.send(bob.peer, utf8(text), AbortSignal.timeout(60_000))))
      expect(frames.toSorted()).toEqual(texts.toSorted())
      await expect.poll(() => bob.status().counts.receivedCover, { timeout: 20_000 }).toBeGreaterThan(50)
      for (const each of [ann, bob]) each.stop()
    },
  )

  test('carries frames through the change of an epoch, each once', { timeout: 120_000 }, async () => {
    const [ann, bob] = [await fog.newTransport({ cover: 'off' }), await fog.newTransport({ cover: 'off' })]
    const texts: string[] = []
    bob.onFrame((_, frame) => texts.push(Buffer.from(frame).toString()))
    const sends: Promise<void>[] = []
    const epochOf = async () => (await newestConsensus()).epoch
    const before = await epochOf()
    for (let second = 0; second < 22; second++) {
      sends.push(ann.send(bob.peer, utf8(`in second ${second}`), AbortSignal.timeout(60_000)))
      await fog.pass(1)
    }
    await Promise.all(sends)
    expect(await epochOf()).toBe(before + 1)
    expect(texts.toSorted()).toEqual(Array.from({ length: 22 }, (_, second) => `in second ${second}`).toSorted())
    ann.stop()
    bob.stop()
  })

  test('says what it did and how its loops fare', { timeout: 60_000 }, async () => {
    const ann = await fog.newTransport()
    await expect.poll(() => ann.status().loops.returned, { timeout: 50_000 }).toBeGreaterThan(2)
    const { gateways, counts, loops } = ann.status()
    expect(gateways).toHaveLength(2)
    expect(counts.cover).toBeGreaterThan(0)
    expect(loops.lost).toBe(0)
    expect(loops.nodes.length).toBeGreaterThanOrEqual(4)
    ann.stop()
    await expect(ann.send(ann.peer, utf8('x'), AbortSignal.timeout(1_000))).rejects.toThrow('is closed')
  })
})

describe('a gateway of the recipient', () => {
  beforeEach(async () => {
    fog = await startTestNetwork({ parameters: PARAMETERS })
  }, STARTUP_MS)

  afterEach(() => fog.stop())

  test('can die in the middle of a message: it arrives through the other', { timeout: 120_000 }, async () => {
    const [ann, bob] = [await fog.newTransport({ cover: 'off' }), await fog.newTransport({ cover: 'off' })]
    const frame = new Uint8Array(400_000).map((_, i) => i * 7 + (i >> 8))
    const frames: Uint8Array[] = []
    bob.onFrame((_, each) => frames.push(each))
    const sent = ann.send(bob.peer, frame, AbortSignal.timeout(100_000))
    await expect.poll(() => bob.status().incoming.bytes, { timeout: 50_000, interval: 5 }).toBeGreaterThan(0)
    const [best] = homeGateways(await newestConsensus(), Buffer.from(bob.peer, 'hex'))
    const dying = fog.network.nodes.find(({ nodeId }) => toHex(nodeId) === toHex(best!.signed.descriptor.identityKey))!
    await dying.stop()
    await sent
    expect(frames).toHaveLength(1)
    expect(Buffer.from(frames[0]!).equals(frame)).toBe(true)
    await expect.poll(() => ann.status().gateways.length, { timeout: 20_000 }).toBe(1)
  })
})
