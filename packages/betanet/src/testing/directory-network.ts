import { toHex, utf8, type Clock } from '@fog/kernel'
import { blake2b, keyPairFromSeed, x25519Base, X25519_BYTES } from '@fog/kernel/node'
import { openDelays } from '../delay/index.ts'
import {
  Authority,
  DEFAULT_PARAMETERS,
  MemoryDirectoryStore,
  REVEAL_LAG,
  signDescriptor,
  signedDescriptorForm,
  type AuthorityKeys,
  type Consensus,
  type Descriptor,
  type DirectoryRules,
  type DirectoryStore,
  type NodeMeasure,
  type NodeRegistry,
  type SignedDescriptor,
} from '../directory/index.ts'
import { vrfPublicKey } from '../vrf/index.ts'

/** Thirty-two bytes that a name stands for: keys for tests, never for use. */
export function seedOf(name: string): Uint8Array {
  return blake2b(32, undefined, utf8(`test ${name}`))
}

export const NETWORK = seedOf('network')

/** Twenty seconds an epoch, of which the last eight go to agreeing in rounds of one. */
export const TEST_TIMES = { epochMs: 20_000, closeMs: 8_000, roundMs: 1_000 } as const

export function authorityKeys(name: string): AuthorityKeys {
  const { publicKey: signingKey, secretKey: signingSecretKey } = keyPairFromSeed(seedOf(`authority ${name}`))
  return { signingKey, signingSecretKey, vrfSecretKey: seedOf(`authority vrf ${name}`) }
}

/** Rules that start the first epoch thirty seconds after the clock's time. */
export function rulesOf(names: readonly string[], threshold: number, clock: Clock): DirectoryRules {
  const authorities = names.map((name) => {
    const { signingKey, vrfSecretKey } = authorityKeys(name)
    return { signingKey, vrfKey: vrfPublicKey(vrfSecretKey) }
  })
  const schedule = { ...TEST_TIMES, genesisAt: clock.now() + 30_000 }
  return { network: NETWORK, authorities, threshold, schedule, parameters: { ...DEFAULT_PARAMETERS, nodesPerLayer: 3 } }
}

export const GOOD_MEASURE: NodeMeasure = { reputation: 800, performance: 1_000, stake: 100 }

/** Admits everyone, and knows of each node what it is told; the others are good. */
export function registryOf(measures: ReadonlyMap<string, NodeMeasure> = new Map()): NodeRegistry {
  return {
    admits: async () => true,
    measure: async (descriptors) =>
      descriptors.map(({ identityKey }) => measures.get(toHex(identityKey)) ?? GOOD_MEASURE),
  }
}

export function authorityOf(
  name: string,
  rules: DirectoryRules,
  clock: Clock,
  store: DirectoryStore = new MemoryDirectoryStore(),
  registry: NodeRegistry = registryOf(),
): Authority {
  return new Authority({ store, clock, keys: authorityKeys(name), registry }, rules)
}

/** A node that does all it must. Its keys follow from its name and the epoch. */
export class TestNode {
  readonly name: string
  readonly #role: Descriptor['role']
  readonly #keys: ReturnType<typeof keyPairFromSeed>

  constructor(name: string, role: Descriptor['role'] = 'mix') {
    this.name = name
    this.#role = role
    this.#keys = keyPairFromSeed(seedOf(`node ${name}`))
  }

  get id(): Uint8Array {
    return this.#keys.publicKey
  }

  sphinxSecretKey(epoch: number): Uint8Array {
    return seedOf(`sphinx ${this.name} ${epoch}`)
  }

  sphinxKey(epoch: number): Uint8Array {
    return exchangeKeyOf(this.sphinxSecretKey(epoch))
  }

  get linkSecretKey(): Uint8Array {
    return seedOf(`link ${this.name}`)
  }

  get vrfSecretKey(): Uint8Array {
    return seedOf(`vrf ${this.name}`)
  }

  /** `revealed` is the consensus of two epochs before, when the node served in it. */
  descriptor(epoch: number, revealed?: Consensus, changes: Partial<Descriptor> = {}): SignedDescriptor {
    const vrfKey = vrfPublicKey(this.vrfSecretKey)
    const descriptor: Descriptor = {
      kind: 'betanet.descriptor.v1',
      network: NETWORK,
      epoch,
      revision: 0,
      identityKey: this.id,
      linkKey: exchangeKeyOf(this.linkSecretKey),
      sphinxKey: this.sphinxKey(epoch),
      nextSphinxKey: this.sphinxKey(epoch + 1),
      vrfKey,
      nextVrfKey: vrfKey,
      operator: `operator-${this.name}`,
      role: this.#role,
      addresses: [
        { host: '127.0.0.1', port: 9_000, protocol: 'tcp', worker: 0 },
        { host: '127.0.0.1', port: 9_001, protocol: 'udp', worker: 1 },
      ],
      packetsPerSecond: 10_000,
      reveal: revealed && this.#reveal(epoch, revealed),
      histogramDigest: undefined,
      ...changes,
    }
    return signDescriptor(descriptor, this.#keys.secretKey)
  }

  bytes(epoch: number, revealed?: Consensus, changes: Partial<Descriptor> = {}): Uint8Array {
    return signedDescriptorForm.encode(this.descriptor(epoch, revealed, changes))
  }

  #reveal(epoch: number, revealed: Consensus): Descriptor['reveal'] {
    const past = epoch - REVEAL_LAG
    const seed = { nodeId: this.id, epoch: past, beacon: revealed.beacon, sphinxKey: this.sphinxKey(past) }
    return openDelays(revealed.parameters.vrfSuite, this.vrfSecretKey, seed).reveal
  }
}

function exchangeKeyOf(secretKey: Uint8Array): Uint8Array {
  const publicKey = Buffer.alloc(X25519_BYTES)
  x25519Base(publicKey, Buffer.from(secretKey))
  return new Uint8Array(publicKey)
}

/** `mixes` mix nodes and `gateways` gateways, each of an operator of its own. */
export function makeNodes(mixes: number, gateways: number): TestNode[] {
  return [
    ...Array.from({ length: mixes }, (_, i) => new TestNode(`mix-${i}`)),
    ...Array.from({ length: gateways }, (_, i) => new TestNode(`gateway-${i}`, 'gateway')),
  ]
}
