import { ManualClock } from '@fog/kernel'
import { keyPairFromSeed, noiseSuite, systemRng } from '@fog/kernel/node'
import {
  type Authority,
  DEFAULT_PARAMETERS,
  type Descriptor,
  type DirectoryRules,
  MemoryDirectoryStore,
  type NetworkParameters,
  signedConsensusForm,
} from '../directory/index.ts'
import { type DirectoryAccess, type MixEngineOptions, type MixEvent, type MixKeys, MixNode } from '../node/index.ts'
import { BentEngine } from './bent-engine.ts'
import { authorityOf, rulesOf } from './directory-network.ts'

const noise = noiseSuite()

/** Delays of about 2 ms a hop, loops every second. */
const PARAMETERS = { ...DEFAULT_PARAMETERS, delayMeansSteps: [20], nodesPerLayer: 1, mixLoopMeanMs: 1_000 }

/** Keys as a node makes them when it first starts. */
export function newMixKeys(): MixKeys {
  return {
    identity: keyPairFromSeed(systemRng.bytes(32)),
    link: noise.makeKeyPair(),
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
  /** Those of nodes that a test may make bad, by their numbers. */
  readonly bent = new Map<number, BentEngine>()
  /** Nobody reaches the directory, and it makes nothing. */
  isDirectoryDown = false
  /** Consensuses that do not reach the node of this number. */
  hides: (epoch: number, node: number) => boolean = () => false
  /** What nodes that ask for the newest consensus are given in its place. */
  lie: Uint8Array | undefined
  /** How far nodes' clocks are ahead of what the directory tells. */
  clockAheadMs = 0
  readonly #bentNodes: ReadonlySet<number>

  /** `bent`: numbers of nodes whose packets a test may drop, hold or double. */
  constructor(
    roles: readonly Descriptor['role'][],
    parameters: Partial<NetworkParameters> = {},
    { bent = [] }: { readonly bent?: readonly number[] } = {},
  ) {
    this.#bentNodes = new Set(bent)
    this.rules = { ...rulesOf(['a'], 1, this.clock), parameters: { ...PARAMETERS, ...parameters } }
    this.authority = authorityOf('a', this.rules, this.clock, this.store)
    this.keys = roles.map(() => newMixKeys())
    this.nodes = roles.map((role, i) => this.makeNode(role, i))
  }

  /** The directory, as the node of this number reaches it. */
  directoryOf(node: number): DirectoryAccess {
    const { authority } = this
    const clockAheadMs = () => this.clockAheadMs
    return {
      get clockAheadMs() {
        return clockAheadMs()
      },
      publish: async (descriptor) => {
        this.#refuseWhenDown()
        const taken = await authority.takeDescriptor(descriptor)
        if (!taken.ok) throw new Error(`${taken.reason}: ${taken.detail}`)
      },
      consensus: async (epoch) => {
        this.#refuseWhenDown()
        if (epoch !== undefined) return this.store.findConsensus(epoch)
        return this.lie ?? this.newestConsensus((each) => this.hides(each, node))
      },
    }
  }

  /** The newest consensus that is not hidden. */
  async newestConsensus(isHidden: (epoch: number) => boolean = () => false): Promise<Uint8Array | undefined> {
    let bytes = await this.store.findLastConsensus()
    while (bytes) {
      const { epoch } = signedConsensusForm.parse(bytes).consensus
      if (!isHidden(epoch)) return bytes
      bytes = await this.store.findLastConsensus(epoch)
    }
    return undefined
  }

  /** The node of this number, with its keys, not started yet. */
  makeNode(role: Descriptor['role'], index: number): MixNode {
    return new MixNode(
      {
        keys: this.keys[index]!,
        directory: this.directoryOf(index),
        makeEngine: this.#bentNodes.has(index) ? (options) => this.#bentEngine(index, options) : undefined,
        noise,
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
      if (!this.isDirectoryDown) await this.authority.tick()
      // Threads answer by messages: let those in.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  #bentEngine(index: number, options: MixEngineOptions): BentEngine {
    const linkKeys = this.keys.map(({ link }) => link)
    const engine = new BentEngine(options, noise, linkKeys)
    this.bent.set(index, engine)
    return engine
  }

  #refuseWhenDown(): void {
    if (this.isDirectoryDown) throw new Error('nobody answers')
  }
}
