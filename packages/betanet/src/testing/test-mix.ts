import { type DhKeyPair, seededRng } from '@fog/kernel'
import { noiseSuite, systemRng } from '@fog/kernel/node'
import { newReplayMemory, type PacketArrival } from '../mix/index.ts'
import {
  DEFAULT_VERTICAL_LIMITS,
  type EpochSecrets,
  MixEngine,
  type Neighbour,
  type VerticalLimits,
} from '../node/index.ts'
import type { PathHop } from '../sphinx/index.ts'

const noise = noiseSuite()
/** The epoch of all tests: even, so that packets of parity 0 are for it. */
export const TEST_EPOCH = 4

export interface TestMixOptions {
  readonly takesClients?: boolean
  readonly limits?: Partial<VerticalLimits>
  readonly threads?: number
  /** Packets as datagrams, of the small size. */
  readonly datagrams?: boolean
  /** About so long a packet waits, in steps of 0.1 ms. */
  readonly meanSteps?: number
}

/** A mix node on real sockets, with keys that the test knows too. */
export class TestMix {
  readonly nodeId = systemRng.bytes(32)
  readonly linkKeys: DhKeyPair = noise.makeKeyPair()
  readonly sphinxKeys: DhKeyPair = noise.makeKeyPair()
  readonly arrivals: PacketArrival[] = []
  readonly closedLinks: string[] = []
  readonly clients: { readonly linkKey: Uint8Array; readonly isHere: boolean }[] = []
  readonly engine: MixEngine
  readonly #meanSteps: number
  readonly #datagrams: boolean
  readonly #waiting = new Set<() => void>()

  constructor({
    takesClients = false,
    limits = {},
    threads = 2,
    meanSteps = 20,
    datagrams = false,
  }: TestMixOptions = {}) {
    this.#meanSteps = meanSteps
    this.#datagrams = datagrams
    this.engine = new MixEngine({
      suite: datagrams ? 'betanetKemX25519Small' : 'betanetKemX25519',
      datagrams,
      linkKeys: this.linkKeys,
      host: '127.0.0.1',
      ports: Array.from({ length: threads }, () => 0),
      takesClients,
      limits: { ...DEFAULT_VERTICAL_LIMITS, ...limits },
      events: {
        arrived: (arrival) => {
          this.arrivals.push(arrival)
          this.#wake()
        },
        client: (linkKey, isHere) => {
          this.clients.push({ linkKey, isHere })
          this.#wake()
        },
        taken: () => undefined,
        paced: () => undefined,
        stays: () => undefined,
        linkClosed: (_, why) => {
          this.closedLinks.push(why)
          this.#wake()
        },
        failed: (why) => {
          throw new Error(why)
        },
      },
    })
  }

  get neighbour(): Neighbour {
    return {
      nodeId: this.nodeId,
      linkKey: this.linkKeys.publicKey,
      host: '127.0.0.1',
      ports: this.engine.ports,
      datagrams: this.#datagrams,
    }
  }

  get hop(): PathHop {
    return { id: this.nodeId, publicKey: this.sphinxKeys.publicKey }
  }

  /** As the last hop of a path. */
  get end(): PathHop {
    return { ...this.hop, recipient: this.nodeId }
  }

  async start(): Promise<void> {
    await this.engine.start()
    this.engine.setEpochs([this.secrets()])
  }

  secrets(epoch = TEST_EPOCH): EpochSecrets {
    return {
      epoch,
      sphinxSecretKey: this.sphinxKeys.secretKey.slice(),
      delayOutput: seededRng(1).bytes(64),
      meanSteps: [this.#meanSteps],
      replayMemory: newReplayMemory(10_000),
    }
  }

  /** Resolves once the condition holds; looked at whenever something happens here. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

/** Mix nodes that all know each other. */
export async function startMixes(count: number, options?: TestMixOptions): Promise<TestMix[]> {
  const mixes = Array.from({ length: count }, () => new TestMix(options))
  await Promise.all(mixes.map((mix) => mix.start()))
  for (const { engine } of mixes) engine.setNeighbours(mixes.map(({ neighbour }) => neighbour))
  return mixes
}
