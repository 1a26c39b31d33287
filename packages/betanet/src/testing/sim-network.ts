import { type DhKeyPair, ManualClock, type Rng, seededRng, toHex } from '@fog/kernel'
import { noiseSuite } from '@fog/kernel/node'
import { BetaNetClient, type BetaNetClientOptions, type ClientLinks, type SuspicionEvent } from '../client/index.ts'
import { aggregate, beaconPlace } from '../directory/aggregate.ts'
import {
  type Consensus,
  consensusDigest,
  contribute,
  clientTimesOf,
  DEFAULT_PARAMETERS,
  DirectoryClient,
  type DirectoryRules,
  type NetworkParameters,
  servedEpochs,
  signDigest,
  signedConsensusForm,
  signVote,
} from '../directory/index.ts'
import { DELIVERY_ID_BYTES, Inbox } from '../gateway/inbox.ts'
import { suites } from '../sphinx/index.ts'
import { authorityKeys, GOOD_MEASURE, NETWORK, rulesOf, seedOf, TestNode } from './directory-network.ts'
import { SimAgenda } from './sim-agenda.ts'
import { SimMix } from './sim-mix.ts'

const suite = suites.betanetKemX25519
const noise = noiseSuite()
/** On every link. */
const LINK_MS = 1
const SETTLING_STEPS = 8
/** How often nodes look at the time. */
const TICK_MS = 250

export interface SimNetworkOptions {
  readonly seed?: number
  readonly mixesPerLayer?: number
  readonly gateways?: number
  readonly parameters?: Partial<NetworkParameters>
}

/** A client of the simulated network, what came to it, and its links. */
export class SimClient {
  readonly keys: DhKeyPair
  readonly client: BetaNetClient
  readonly directory: DirectoryClient
  readonly received: { readonly from: string; readonly message: Uint8Array }[] = []
  /** What its owner was told of nodes. */
  readonly events: SuspicionEvent[] = []
  /** What it had delivered, in order. */
  readonly deliveries: Uint8Array[] = []
  /** What becomes of a delivery on its way over the link: as for packets of a bad mix. */
  onDelivery: ((delivery: Uint8Array) => readonly Uint8Array[]) | undefined

  constructor(network: SimNetwork, rng: Rng, options: Partial<BetaNetClientOptions>, skewMs: number, keys: DhKeyPair) {
    this.keys = keys
    const clock = {
      now: () => network.clock.now() + skewMs,
      sleep: (ms: number, signal?: AbortSignal) => network.clock.sleep(ms, signal),
    }
    this.directory = new DirectoryClient({ clock }, { ...network.rules, ...clientTimesOf(network.rules.schedule) })
    const links: ClientLinks = {
      open: () => this.client.homes().flatMap(({ signed }) => network.openGateway(signed.descriptor.identityKey)),
      send: (gatewayId, packet) => {
        network.onClientPacket?.(this, gatewayId)
        network.fromClient(gatewayId, packet)
        return true
      },
    }
    this.client = new BetaNetClient(
      {
        suite,
        noise,
        own: this.keys,
        directory: this.directory,
        clock,
        rng,
        links,
        now: () => network.agenda.now,
        events: {
          received: (from, message) => this.received.push({ from: toHex(from), message }),
          changed: () => undefined,
          suspected: (event) => this.events.push(event),
        },
      },
      options,
    )
  }

  get key(): Uint8Array {
    return this.keys.publicKey
  }

  get texts(): string[] {
    return this.received.map(({ message }) => Buffer.from(message).toString())
  }
}

/**
 * A whole mixnet in one thread and simulated time: real packets through real pipelines and inboxes, links of one millisecond, and
 * whatever faults a test gives its nodes. Runs as fast as the packets' cryptography does.
 */
export class SimNetwork {
  readonly clock = new ManualClock()
  readonly agenda = new SimAgenda()
  readonly rules: DirectoryRules
  readonly nodes: readonly TestNode[]
  readonly mixes = new Map<string, SimMix>()
  readonly clients: SimClient[] = []
  consensus: Consensus
  /** Told of every packet that leaves a client. */
  onClientPacket: ((from: SimClient, gatewayId: Uint8Array) => void) | undefined
  readonly #rng: Rng
  /** The consensuses that each node holds, by its id: two at most. */
  readonly #held = new Map<string, readonly Consensus[]>()

  constructor({ seed = 1, mixesPerLayer = 2, gateways = 2, parameters = {} }: SimNetworkOptions = {}) {
    this.#rng = seededRng(seed)
    const all = { ...DEFAULT_PARAMETERS, delayMeansSteps: [50], nodesPerLayer: mixesPerLayer, ...parameters }
    this.rules = { ...rulesOf(['a'], 1, this.clock), parameters: all }
    this.nodes = [
      ...Array.from({ length: 3 * mixesPerLayer }, (_, i) => new TestNode(`sim-mix-${seed}-${i}`)),
      ...Array.from({ length: gateways }, (_, i) => new TestNode(`sim-gateway-${seed}-${i}`, 'gateway')),
    ]
    this.clock.advance(this.rules.schedule.genesisAt - this.clock.now() + 1_000)
    this.consensus = this.#agree(1, undefined)
    for (const node of this.nodes) this.mixes.set(toHex(node.id), this.#makeMix(node))
    this.tellNodes()
    this.#tick()
  }

  /** A client with links to its home gateways, and this consensus. */
  addClient(options: Partial<BetaNetClientOptions> = {}, skewMs = 0, keys: DhKeyPair = noise.makeKeyPair()): SimClient {
    const client = new SimClient(this, seededRng(1_000 + this.clients.length), options, skewMs, keys)
    this.clients.push(client)
    this.tellClients(client)
    for (const mix of this.mixes.values()) mix.inbox.arrive(client.key)
    client.client.advance()
    return client
  }

  /** The mix in a layer, or the gateway, of this number. */
  node(place: 0 | 1 | 2 | 'gateway', index = 0): { readonly id: string; readonly mix: SimMix } {
    const found = this.consensus.nodes.filter((node) => node.place === place)[index]!
    const id = toHex(found.signed.descriptor.identityKey)
    return { id, mix: this.mixes.get(id)! }
  }

  /** Agrees on the next epoch and makes it known to nodes and clients, before it begins. */
  agreeOnNext(): void {
    this.agreeOn(this.consensus.epoch + 1)
    this.tellNodes()
    this.tellClients()
  }

  /** Agrees on an epoch, which follows on the last there was, and tells nobody yet. */
  agreeOn(epoch: number): void {
    this.consensus = this.#agree(epoch, this.consensus)
  }

  /** Makes the last consensus known to nodes: to all, or those at which the test holds. */
  tellNodes(holds: (index: number) => boolean = () => true): void {
    for (const { id } of this.nodes.filter((_, i) => holds(i))) {
      const held = (this.#held.get(toHex(id)) ?? []).filter(({ epoch }) => epoch < this.consensus.epoch)
      this.#held.set(toHex(id), [...held, this.consensus].slice(-2))
    }
    this.#serve()
  }

  /** Makes the last consensus known to clients: to these, or to all. */
  tellClients(...clients: readonly SimClient[]): void {
    for (const { directory } of clients.length > 0 ? clients : this.clients) {
      const taken = directory.take(this.#signed())
      if (!taken.ok) throw new Error(`${taken.reason}: ${taken.detail}`)
    }
  }

  openGateway(gatewayId: Uint8Array): Uint8Array[] {
    return this.mixes.get(toHex(gatewayId))?.isDead === false ? [gatewayId] : []
  }

  fromClient(gatewayId: Uint8Array, packet: Uint8Array): void {
    this.agenda.after(LINK_MS, () => this.mixes.get(toHex(gatewayId))?.take(packet))
  }

  /** Lets time pass until the condition holds; throws when it does not within so long. */
  async run(holds: () => boolean, mostMs = 600_000): Promise<void> {
    const endAt = this.agenda.now + mostMs
    while (!holds()) {
      const at = Math.min(this.agenda.nextAt, ...this.clients.map(({ client }) => client.nextAt))
      if (at > endAt) {
        await new Promise((resolve) => setImmediate(resolve))
        if (holds()) return
        throw new Error(`nothing came of it within ${mostMs} ms`)
      }
      const before = this.agenda.now
      this.agenda.moveTo(at)
      this.clock.advance(this.agenda.now - before)
      for (const { client } of this.clients) if (client.nextAt <= this.agenda.now) client.advance()
      // Promises that were settled have their say, and those that wait for them.
      for (let i = 0; i < SETTLING_STEPS; i++) await Promise.resolve()
    }
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    let isOver = false
    this.agenda.after(ms, () => (isOver = true))
    await this.run(() => isOver, ms + 1)
  }

  /** Lets time pass until the promise is settled. */
  async settled<T>(promise: Promise<T>, mostMs?: number): Promise<PromiseSettledResult<T>> {
    let result: PromiseSettledResult<T> | undefined
    promise.then(
      (value) => (result = { status: 'fulfilled', value }),
      (reason: unknown) => (result = { status: 'rejected', reason }),
    )
    await this.run(() => result !== undefined, mostMs)
    return result!
  }

  #makeMix(node: TestNode): SimMix {
    const inbox = new Inbox({ clock: this.clock, rng: this.#rng })
    const byRoute = this.nodes.map(({ id }) => toHex(id))
    const mix = new SimMix({
      suite,
      agenda: this.agenda,
      rng: this.#rng,
      meanSteps: this.rules.parameters.delayMeansSteps,
      keysOf: (epoch) => sphinxKeys(node, epoch),
      inbox,
      send: (route, packet) => this.agenda.after(LINK_MS, () => this.mixes.get(byRoute[route]!)?.take(packet)),
      deliver: (recipient, delivery) => this.#deliver(inbox, recipient, delivery),
    })
    mix.setNeighbours(this.nodes.map(({ id }) => id))
    return mix
  }

  #deliver(inbox: Inbox, recipient: Uint8Array, delivery: Uint8Array): void {
    const to = this.clients.find(({ key }) => toHex(key) === toHex(recipient))
    if (!to) return
    this.agenda.after(LINK_MS, () => {
      for (const each of to.onDelivery?.(delivery) ?? [delivery]) {
        to.deliveries.push(each)
        const id = to.client.handle(each)
        if (id && id.length === DELIVERY_ID_BYTES) inbox.take(recipient, id)
      }
    })
  }

  #tick(): void {
    this.#serve()
    this.agenda.after(TICK_MS, () => this.#tick())
  }

  /** By the rule of real nodes. */
  #serve(): void {
    const { schedule } = this.rules
    const { maxSkewMs } = clientTimesOf(schedule)
    for (const [id, held] of this.#held) {
      const served = servedEpochs(schedule, { held, now: this.clock.now(), maxSkewMs })
      this.mixes.get(id)!.serve(served.map(({ epoch }) => epoch))
    }
  }

  #signed(): Uint8Array {
    const { signingKey, signingSecretKey } = authorityKeys('a')
    const signature = signDigest(consensusDigest(this.consensus), signingSecretKey)
    return signedConsensusForm.encode({
      consensus: this.consensus,
      signatures: [{ authority: signingKey, signature }],
    })
  }

  #agree(epoch: number, previous: Consensus | undefined): Consensus {
    const { schedule, parameters } = this.rules
    const ground = { trust: this.rules, schedule, epoch, previous, revealed: undefined }
    const { signingKey, signingSecretKey, vrfSecretKey } = authorityKeys('a')
    const nodes = this.nodes.map((node) => {
      const sphinxKey = sphinxKeys(node, epoch).publicKey
      const nextSphinxKey = sphinxKeys(node, epoch + 1).publicKey
      return { signed: node.descriptor(epoch, undefined, { sphinxKey, nextSphinxKey }), measured: GOOD_MEASURE }
    })
    const vote = signVote(
      {
        kind: 'betanet.vote.v1',
        network: NETWORK,
        epoch,
        authority: signingKey,
        previousDigest: previous && consensusDigest(previous),
        beaconProof: contribute(vrfSecretKey, beaconPlace(ground)),
        parameters,
        nodes,
      },
      signingSecretKey,
    )
    const outcome = aggregate(ground, [vote])
    if (!outcome.ok) throw new Error(outcome.reason)
    return outcome.consensus
  }
}

function sphinxKeys({ name }: TestNode, epoch: number): DhKeyPair {
  const secretKey = seedOf(`sphinx secret ${name} ${epoch}`)
  return { secretKey, publicKey: noise.publicKeyOf(secretKey) }
}
