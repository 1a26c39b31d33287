import { randomBytes } from 'node:crypto'
import { type DhKeyPair, toHex, utf8 } from '@fog/kernel'
import { noiseSuite, systemRng } from '@fog/kernel/node'
import { afterEach, describe, expect, test } from 'vitest'
import { type PacketArrival, newReplayMemory } from '../mix/index.ts'
import { buildPacket, type PathHop, suites } from '../sphinx/index.ts'
import { MixEngine } from './mix-engine.ts'
import type { Neighbour } from './out-links.ts'
import type { EpochSecrets } from './thread-messages.ts'

const suite = suites.betanetKemX25519
const noise = noiseSuite()
const EPOCH = 4
/** Every packet of a test waits about this long at each hop. */
const MEAN_STEPS = 20

/** A mix node with its own keys, as the others see it too. */
class TestMix {
  readonly nodeId = new Uint8Array(randomBytes(32))
  readonly linkKeys: DhKeyPair = noise.makeKeyPair()
  readonly sphinxKeys: DhKeyPair = noise.makeKeyPair()
  readonly arrivals: PacketArrival[] = []
  readonly engine: MixEngine
  #waiting: (() => void) | undefined

  constructor(takesClients = false) {
    this.engine = new MixEngine({
      suite: 'betanetKemX25519',
      linkKeys: this.linkKeys,
      host: '127.0.0.1',
      ports: [0, 0],
      takesClients,
      events: {
        arrived: (arrival) => {
          this.arrivals.push(arrival)
          this.#waiting?.()
        },
        client: () => undefined,
        taken: () => undefined,
        linkClosed: () => this.#waiting?.(),
        failed: (why) => {
          throw new Error(why)
        },
      },
    })
  }

  get neighbour(): Neighbour {
    return { nodeId: this.nodeId, linkKey: this.linkKeys.publicKey, host: '127.0.0.1', ports: this.engine.ports }
  }

  get hop(): PathHop {
    return { id: this.nodeId, publicKey: this.sphinxKeys.publicKey }
  }

  secrets(epoch = EPOCH): EpochSecrets {
    return {
      epoch,
      sphinxSecretKey: this.sphinxKeys.secretKey.slice(),
      delayOutput: new Uint8Array(randomBytes(64)),
      meanSteps: [MEAN_STEPS],
      replayMemory: newReplayMemory(10_000),
    }
  }

  /** Resolves when this many packets ended here. */
  async arrived(count: number): Promise<void> {
    while (this.arrivals.length < count) await new Promise<void>((resolve) => (this.#waiting = resolve))
  }
}

const running: TestMix[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ engine }) => engine.stop()))
})

async function startMixes(count: number): Promise<TestMix[]> {
  const mixes = Array.from({ length: count }, () => new TestMix())
  running.push(...mixes)
  await Promise.all(mixes.map(({ engine }) => engine.start()))
  for (const mix of mixes) {
    mix.engine.setNeighbours(mixes.map(({ neighbour }) => neighbour))
    mix.engine.setEpochs([mix.secrets()])
  }
  return mixes
}

function packetFor(path: readonly TestMix[], text: string): Uint8Array {
  const hops = path.map((mix, i) => (i === path.length - 1 ? { ...mix.hop, recipient: mix.nodeId } : mix.hop))
  return buildPacket(suite, hops, utf8(text), systemRng, { epochParity: 0 })
}

describe('three mix nodes on real sockets', () => {
  test('carry every packet to its last hop, where it can be read', async () => {
    const mixes = await startMixes(3)
    const [first, , last] = mixes as [TestMix, TestMix, TestMix]
    const texts = Array.from({ length: 100 }, (_, i) => `packet ${i}`)
    for (const text of texts) first.engine.send(first.nodeId, packetFor(mixes, text))
    await last.arrived(100)
    const read = last.arrivals.map(({ body }) => Buffer.from(body).toString().replaceAll('\0', ''))
    expect(read.toSorted()).toEqual(texts.toSorted())
    expect(last.arrivals.every(({ recipient }) => toHex(recipient!) === toHex(last.nodeId))).toBe(true)
    expect(read).not.toEqual(texts)
  })
})
