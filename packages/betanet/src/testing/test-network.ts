import { ManualClock } from '@fog/kernel'
import { keyPairFromSeed, noiseSuite, systemRng } from '@fog/kernel/node'
import {
  type Authority,
  DEFAULT_PARAMETERS,
  type Descriptor,
  type DirectoryRules,
  MemoryDirectoryStore,
  type NetworkParameters,
} from '../directory/index.ts'
import { type DirectoryAccess, type MixEvent, type MixKeys, MixNode } from '../node/index.ts'
import { authorityOf, rulesOf } from './directory-network.ts'

/** Delays of about 2 ms a hop, loops every second. */
const PARAMETERS = { ...DEFAULT_PARAMETERS, delayMeansSteps: [20], nodesPerLayer: 1, mixLoopMeanMs: 1_000 }

/** Keys as a node makes them when it first starts. */
export function newMixKeys(): MixKeys {
  return {
    identity: keyPairFromSeed(systemRng.bytes(32)),
    link: noiseSuite().makeKeyPair(),
    vrfSecretKey: systemRng.bytes(32),
  }
}

/** Real mix nodes on loopback, and an authority that makes consensuses of them; time is moved by hand. */
export class TestNetwork {
  readonly clock = new ManualClock()
  readonly store = new MemoryDirectoryStore()
  readonly rules: DirectoryRules
  readonly authority: Authority
  readonly keys: readonly MixKeys[]
  readonly nodes: MixNode[]
  readonly events: { readonly node: number; readonly event: MixEvent }[] = []

  constructor(roles: readonly Descriptor['role'][], parameters: Partial<NetworkParameters> = {}) {
    this.rules = { ...rulesOf(['a'], 1, this.clock), parameters: { ...PARAMETERS, ...parameters } }
    this.authority = authorityOf('a', this.rules, this.clock, this.store)
    this.keys = roles.map(() => newMixKeys())
    this.nodes = roles.map((role, i) => this.makeNode(role, i))
  }

  get directory(): DirectoryAccess {
    const { authority } = this
    return {
      publish: async (descriptor) => {
        const taken = await authority.takeDescriptor(descriptor)
        if (!taken.ok) throw new Error(`${taken.reason}: ${taken.detail}`)
      },
      consensus: (epoch) => (epoch === undefined ? authority.newestConsensus() : this.store.findConsensus(epoch)),
    }
  }

  /** The node of this number, with its keys, not started yet. */
  makeNode(role: Descriptor['role'], index: number): MixNode {
    return new MixNode(
      {
        keys: this.keys[index]!,
        directory: this.directory,
        noise: noiseSuite(),
        clock: this.clock,
        rng: systemRng,
        log: (event) => this.events.push({ node: index, event }),
      },
      {
        role,
        operator: `operator-${index}`,
        host: '127.0.0.1',
        advertisedHost: '127.0.0.1',
        ports: [0],
        suite: 'betanetKemX25519',
        datagrams: false,
        packetsPerSecond: 100,
        trust: this.rules,
        schedule: this.rules.schedule,
      },
    )
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()))
  }

  /** Moves time on in seconds: every node and the authority do what is due in each. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1_000)
      await Promise.all(this.nodes.map((node) => node.tick()))
      await this.authority.tick()
      // Threads answer by messages: let those in.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }
}
