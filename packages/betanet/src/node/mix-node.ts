import { type Clock, type DhKeyPair, equalBytes, type Instant, type NoiseSuite, type Rng, toHex } from '@fog/kernel'
import type { KeyPair } from '@fog/kernel/node'
import { DocumentError } from '../codec.ts'
import { type DelayHistogram, type DelayReveal, histogramDigest, openDelays } from '../delay/index.ts'
import {
  type Consensus,
  type ConsensusNode,
  type Descriptor,
  DirectoryClient,
  DEFAULT_CLIENT_TIMES,
  REVEAL_LAG,
  type Schedule,
  signDescriptor,
  type SignedConsensus,
  signedConsensusForm,
  signedDescriptorForm,
  signersOf,
  startOf,
  type Trust,
  uploadEpochAt,
} from '../directory/index.ts'
import { Inbox } from '../gateway/inbox.ts'
import type { PacketArrival } from '../mix/index.ts'
import { vrfPublicKey } from '../vrf/index.ts'
import { EpochKeys } from './epoch-keys.ts'
import { MixEngine } from './mix-engine.ts'
import type { MixEvent, MixStatus } from './mix-status.ts'
import { neighboursOf } from './neighbours.ts'
import { OwnLoops } from './own-loops.ts'
import type { SuiteName } from './thread-messages.ts'
import type { VerticalLimits } from './vertical.ts'

/** Keys a node keeps over restarts. */
export interface MixKeys {
  /** Ed25519: its id in packets is the public key. */
  readonly identity: KeyPair
  readonly link: DhKeyPair
  /** 32 bytes. */
  readonly vrfSecretKey: Uint8Array
}

/** Where descriptors go and consensuses come from. What comes is believed only for its signatures. */
export interface DirectoryAccess {
  /** Takes a signed descriptor; throws with the directory's reason when it is refused. */
  publish(descriptor: Uint8Array): Promise<void>
  /** The newest signed consensus, or that of an epoch. */
  consensus(epoch?: number): Promise<Uint8Array | undefined>
}

export interface MixNodeOptions {
  readonly role: Descriptor['role']
  readonly operator: string
  /** Where to listen, and the name others reach it by. */
  readonly host: string
  readonly advertisedHost: string
  /** One a thread; 0 takes any free one. */
  readonly ports: readonly number[]
  readonly suite: SuiteName
  readonly datagrams: boolean
  readonly packetsPerSecond: number
  readonly trust: Trust
  readonly schedule: Schedule
  readonly limits?: VerticalLimits | undefined
  /** Consensuses it held before it was started anew, oldest first: what is older is refused as ever. */
  readonly documents?: readonly Uint8Array[] | undefined
}

export interface MixNodeDependencies {
  readonly keys: MixKeys
  readonly directory: DirectoryAccess
  readonly noise: NoiseSuite
  readonly clock: Clock
  readonly rng: Rng
  readonly log: (event: MixEvent) => void
}

/** So long after an epoch its packets are still taken: they were sent before its end. */
const GRACE_SHARE = 0.25
/** And so long threads have to tell how long packets stayed. */
const STAYS_SHARE = 0.1
/** A tick is this part of an epoch, but a second at most. */
const TICKS_AN_EPOCH = 50

/** A mix node or gateway: takes part in the directory, keeps its keys, serves packets through its threads. */
export class MixNode {
  readonly #given: MixNodeDependencies
  readonly #options: MixNodeOptions
  readonly #keys: EpochKeys
  readonly #client: DirectoryClient
  readonly #engine: MixEngine
  readonly #inbox: Inbox
  readonly #loops: OwnLoops
  readonly #stopping = new AbortController()
  readonly #reveals = new Map<number, DelayReveal>()
  readonly #stays = new Map<number, DelayHistogram>()
  #published: { readonly epoch: number; readonly bytes: Uint8Array; readonly isTaken: boolean } | undefined
  #served = ''
  #running: Promise<void> | undefined
  #ticking: Promise<void> | undefined
  #cover = 0
  #delivered = 0

  constructor(given: MixNodeDependencies, options: MixNodeOptions) {
    const { clock, rng, noise, keys } = given
    this.#given = given
    this.#options = options
    this.#keys = new EpochKeys({ noise, tags: (options.packetsPerSecond * options.schedule.epochMs) / 1000 })
    this.#client = new DirectoryClient({ clock }, { ...options.trust, ...DEFAULT_CLIENT_TIMES })
    for (const document of options.documents ?? []) this.#client.take(document)
    this.#inbox = new Inbox({ clock, rng })
    this.#engine = new MixEngine({
      suite: options.suite,
      linkKeys: keys.link,
      host: options.host,
      ports: options.ports,
      takesClients: options.role === 'gateway',
      datagrams: options.datagrams,
      limits: options.limits,
      events: {
        arrived: (arrival) => this.#arrived(arrival),
        client: (linkKey, isHere) => this.#clientMoved(linkKey, isHere),
        taken: (linkKey, ids) => this.#inbox.take(linkKey, ids),
        stays: (histogram) => this.#keepStays(histogram),
        linkClosed: (peer, why) => given.log({ type: 'link.closed', peer, why }),
        failed: (why) => given.log({ type: 'node.failed', why }),
      },
    })
    this.#loops = new OwnLoops(
      { clock, rng, nodeId: this.nodeId, send: (nodeId, packet) => this.#engine.send(nodeId, packet) },
      { suite: options.suite },
    )
  }

  /** 32 bytes: its id in packets and documents. */
  get nodeId(): Uint8Array {
    return this.#given.keys.identity.publicKey
  }

  get ports(): readonly number[] {
    return this.#engine.ports
  }

  /** Listens, and takes part in the directory from now on. */
  async start(): Promise<void> {
    await this.#engine.start()
    this.#running = this.#run()
  }

  /** Leaves in good order: takes nothing new and sends what waits, for `mostMs` at most. */
  async drain(mostMs: number): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#engine.drain(mostMs)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#engine.stop()
  }

  status(): MixStatus {
    const consensus = this.#client.current()
    const own = consensus && this.#findSelf(consensus)
    return {
      nodeId: toHex(this.nodeId),
      role: this.#options.role,
      ports: this.ports,
      epoch: consensus?.epoch,
      place: own && String(own.place),
      weight: own?.weight,
      nodes: consensus?.nodes.length ?? 0,
      clients: this.#inbox.clients,
      waiting: this.#inbox.waiting,
      loops: this.#loops.counts(),
      figures: this.#figures(),
    }
  }

  /** Consensuses to keep over a restart, oldest first. */
  documents(): readonly Uint8Array[] {
    return this.#client.documents()
  }

  /** How long packets of an epoch really stayed here: known once it is over, for a few epochs. */
  staysOf(epoch: number): DelayHistogram | undefined {
    return this.#stays.get(epoch)
  }

  /** One round of what a node does beside serving packets. Its own loop calls it; whoever moves the clock by hand may, too. */
  tick(): Promise<void> {
    this.#ticking ??= this.#tick().finally(() => (this.#ticking = undefined))
    return this.#ticking
  }

  async #tick(): Promise<void> {
    await this.#fetch()
    this.#serve()
    await this.#publish()
    this.#inbox.expire()
    const consensus = this.#client.current()
    if (consensus) this.#loops.tick(consensus)
  }

  async #run(): Promise<void> {
    const { clock } = this.#given
    const { signal } = this.#stopping
    const tickMs = Math.min(1000, this.#options.schedule.epochMs / TICKS_AN_EPOCH)
    while (!signal.aborted) {
      await this.tick()
      await clock.sleep(tickMs, signal).catch(() => undefined)
    }
  }

  /**
   * Publishes the descriptor of the next epoch, again until the directory has it; but not before the epoch that it reveals is
   * over and its last packets have left.
   */
  async #publish(): Promise<void> {
    const { clock, directory, log } = this.#given
    const { schedule } = this.#options
    const epoch = uploadEpochAt(schedule, clock.now())
    const revealed = epoch - REVEAL_LAG
    const retiredAt = startOf(schedule, revealed + 1) + schedule.epochMs * GRACE_SHARE
    if (clock.now() < retiredAt) return
    // The threads are asked for their part; one that hangs must not keep the node out of the directory.
    const awaitsStays = this.#reveals.has(revealed) && !this.#stays.has(revealed)
    if (awaitsStays && clock.now() < retiredAt + schedule.epochMs * STAYS_SHARE) return
    if (this.#published?.epoch === epoch && this.#published.isTaken) return
    const bytes = this.#published?.epoch === epoch ? this.#published.bytes : await this.#makeDescriptor(epoch)
    this.#published = { epoch, bytes, isTaken: false }
    try {
      await directory.publish(bytes)
      this.#published = { epoch, bytes, isTaken: true }
      log({ type: 'descriptor.published', epoch })
    } catch (fault) {
      log({ type: 'descriptor.refused', epoch, why: fault instanceof Error ? fault.message : String(fault) })
    }
  }

  async #makeDescriptor(epoch: number): Promise<Uint8Array> {
    const { keys } = this.#given
    const { trust, role, operator, advertisedHost: host, packetsPerSecond, datagrams } = this.#options
    const vrfKey = vrfPublicKey(keys.vrfSecretKey)
    const stays = this.#stays.get(epoch - REVEAL_LAG)
    const protocols = datagrams ? (['tcp', 'udp'] as const) : (['tcp'] as const)
    const descriptor: Descriptor = {
      kind: 'betanet.descriptor.v1',
      network: trust.network,
      epoch,
      revision: this.#revisionOf(epoch),
      identityKey: this.nodeId,
      linkKey: keys.link.publicKey,
      sphinxKey: this.#keys.publicKey(epoch),
      nextSphinxKey: this.#keys.publicKey(epoch + 1),
      vrfKey,
      nextVrfKey: vrfKey,
      operator,
      role,
      addresses: this.ports.flatMap((port, worker) => protocols.map((protocol) => ({ host, port, protocol, worker }))),
      packetsPerSecond,
      reveal: await this.#revealOf(epoch - REVEAL_LAG),
      histogramDigest: stays && histogramDigest(stays),
    }
    return signedDescriptorForm.encode(signDescriptor(descriptor, keys.identity.secretKey))
  }

  /** Rises with time, so that a node that started anew within the same hours replaces what it said before. */
  #revisionOf(epoch: number): number {
    const { schedule } = this.#options
    const opened = startOf(schedule, epoch) - schedule.closeMs - schedule.epochMs
    const share = (this.#given.clock.now() - opened) / schedule.epochMs
    return Math.max(0, Math.min(1_000_000, Math.floor(share * 1_000_000)))
  }

  /** What explains the delays of an epoch that is over. After a restart it is computed again, from that epoch's consensus. */
  async #revealOf(epoch: number): Promise<DelayReveal | undefined> {
    const known = this.#reveals.get(epoch)
    if (known || epoch < 1) return known
    const past = await this.#pastConsensus(epoch)
    const own = past && this.#findSelf(past)
    if (!own) return undefined
    const { beacon, parameters } = past
    const { sphinxKey } = own.signed.descriptor
    const seed = { nodeId: this.nodeId, epoch, beacon, sphinxKey }
    const { source, reveal } = openDelays(parameters.vrfSuite, this.#given.keys.vrfSecretKey, seed)
    source.wipe()
    return reveal
  }

  /** Signed by enough, and of just this epoch: nobody gets a node to reveal what is yet to come. */
  async #pastConsensus(epoch: number): Promise<Consensus | undefined> {
    const { trust } = this.#options
    const bytes = await this.#given.directory.consensus(epoch).catch(() => undefined)
    const signed = bytes && parsedConsensus(bytes)
    if (signed?.consensus.epoch !== epoch || !equalBytes(signed.consensus.network, trust.network)) return undefined
    const signers = signersOf(
      signed,
      trust.authorities.map(({ signingKey }) => signingKey),
    )
    return signers.size >= trust.threshold ? signed.consensus : undefined
  }

  async #fetch(): Promise<void> {
    const { directory, clock, log } = this.#given
    const staleAt: Instant | undefined = this.#client.staleAt()
    // The next consensus may be there as soon as it was agreed on, before the one in force is stale.
    if (staleAt !== undefined && clock.now() < staleAt - this.#options.schedule.closeMs) return
    try {
      const bytes = await directory.consensus()
      const taken = bytes && this.#client.take(bytes)
      if (taken && !taken.ok) log({ type: 'consensus.refused', reason: taken.reason, detail: taken.detail })
      if (taken?.ok && taken.isNew) this.#took(taken.consensus)
    } catch (fault) {
      log({ type: 'directory.unreachable', why: fault instanceof Error ? fault.message : String(fault) })
    }
  }

  #took(consensus: Consensus): void {
    const own = this.#findSelf(consensus)
    const place = own === undefined ? 'not listed' : String(own.place)
    this.#given.log({ type: 'consensus.taken', epoch: consensus.epoch, place, nodes: consensus.nodes.length })
    if (!own || !this.#keys.serves(consensus.epoch, own.signed.descriptor.sphinxKey)) return
    this.#reveals.set(consensus.epoch, this.#keys.open(consensus, this.nodeId, this.#given.keys.vrfSecretKey))
    for (const epoch of this.#reveals.keys()) if (epoch < consensus.epoch - 2 * REVEAL_LAG) this.#reveals.delete(epoch)
  }

  /** Tells the threads which epochs and neighbours count now, whenever that changed. */
  #serve(): void {
    const { schedule } = this.#options
    const now = this.#given.clock.now()
    const held = this.#client.documents().map((bytes) => signedConsensusForm.parse(bytes).consensus)
    const grace = schedule.epochMs * GRACE_SHARE
    const live = held.filter(({ epoch }) => now < startOf(schedule, epoch + 1) + grace)
    const secrets = live.flatMap(({ epoch }) => this.#keys.secrets(epoch) ?? [])
    const served = live.map(({ epoch, nodes }) => `${epoch}:${nodes.length}`).join()
    if (served === this.#served) return
    this.#served = served
    this.#engine.setNeighbours(neighboursOf(live))
    this.#engine.setEpochs(secrets)
    const oldest = live[0]
    if (oldest) this.#keys.forgetBefore(oldest.epoch)
  }

  #keepStays(histogram: DelayHistogram): void {
    this.#stays.set(histogram.epoch, histogram)
    for (const epoch of this.#stays.keys()) if (epoch < histogram.epoch - 2 * REVEAL_LAG) this.#stays.delete(epoch)
  }

  #arrived({ recipient, surbId, body }: PacketArrival): void {
    if (!recipient) return
    if (equalBytes(recipient, this.nodeId)) return this.#loops.returned(body)
    if (recipient.every((byte) => byte === 0)) return void (this.#cover += 1)
    const delivery = this.#inbox.add(recipient, body, surbId)
    if (delivery) this.#delivered += 1
    if (delivery) this.#engine.deliver(recipient, delivery)
  }

  #clientMoved(linkKey: Uint8Array, isHere: boolean): void {
    if (!isHere) return this.#inbox.leave(linkKey)
    for (const delivery of this.#inbox.arrive(linkKey)) this.#engine.deliver(linkKey, delivery)
  }

  #findSelf({ nodes }: Consensus): ConsensusNode | undefined {
    return nodes.find(({ signed }) => equalBytes(signed.descriptor.identityKey, this.nodeId))
  }

  #figures(): MixStatus['figures'] {
    const figures = this.#engine.stats().snapshot()
    return { ...figures, counts: { ...figures.counts, cover: this.#cover, delivered: this.#delivered } }
  }
}

function parsedConsensus(bytes: Uint8Array): SignedConsensus | undefined {
  try {
    return signedConsensusForm.parse(bytes)
  } catch (fault) {
    if (fault instanceof DocumentError) return undefined
    throw fault
  }
}
