import { equalBytes, toHex } from '@fog/kernel'
import { monotonicMs } from '@fog/kernel/node'
import type { DelayHistogram } from '../delay/index.ts'
import { type Consensus, findNode } from '../directory/index.ts'
import { deliveryBytes, Inbox } from '../gateway/inbox.ts'
import { PacedDeliveries } from '../gateway/paced-deliveries.ts'
import type { PacketArrival } from '../mix/index.ts'
import { suites } from '../sphinx/index.ts'
import { ConsensusFeed } from './consensus-feed.ts'
import { DelayRecords } from './delay-records.ts'
import { EpochKeys } from './epoch-keys.ts'
import { EpochService } from './epoch-service.ts'
import { Membership } from './membership.ts'
import { MixEngine, type MixEngineOptions } from './mix-engine.ts'
import type { MixNodeDependencies, MixNodeOptions } from './mix-node-options.ts'
import type { MixStatus } from './mix-status.ts'
import { OwnLoops } from './own-loops.ts'

/** A tick is this part of an epoch, but a second at most. */
const TICKS_AN_EPOCH = 50

/**
 * A mix node or gateway, put together: its feed of consensuses, its membership in the directory, the service of epochs by its
 * threads, the inbox of its clients, and its own loops.
 */
export class MixNode {
  readonly #given: MixNodeDependencies
  readonly #options: MixNodeOptions
  readonly #epochKeys: EpochKeys
  readonly #feed: ConsensusFeed
  readonly #records: DelayRecords
  readonly #membership: Membership
  readonly #service: EpochService
  readonly #engine: MixEngine
  readonly #inbox: Inbox
  readonly #paced: PacedDeliveries
  #pacing: NodeJS.Timeout | undefined
  readonly #loops: OwnLoops
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #ticking: Promise<void> | undefined
  #cover = 0
  #delivered = 0
  #unclaimed = 0

  constructor(given: MixNodeDependencies, options: MixNodeOptions) {
    const { clock, rng, noise, keys, directory, log, makeEngine = (all) => new MixEngine(all) } = given
    const { trust, schedule, documents = [], packetsPerSecond, suite } = options
    const epochKeys = new EpochKeys({ noise, tags: (packetsPerSecond * schedule.epochMs) / 1000 })
    this.#given = given
    this.#epochKeys = epochKeys
    this.#options = options
    this.#inbox = new Inbox({ clock, rng })
    this.#paced = new PacedDeliveries({
      rng,
      now: monotonicMs,
      deliver: (linkKey, delivery) => void this.#engine.deliver(linkKey, delivery),
      deliveryBytes: deliveryBytes(suites[suite].geometry),
    })
    this.#engine = makeEngine(this.#engineOptions())
    const engine = this.#engine
    this.#records = new DelayRecords({ keys, trust, directory })
    this.#feed = new ConsensusFeed(
      { directory, clock, log, taken: (consensus) => this.#tellPlace(consensus) },
      { trust, schedule, documents },
    )
    this.#membership = new Membership(
      { keys, epochKeys, records: this.#records, directory, clock, log, ports: () => engine.ports },
      options,
    )
    this.#service = new EpochService(
      { keys, epochKeys, engine, clock, opened: (delays) => this.#records.opened(delays) },
      { schedule, maxSkewMs: this.#feed.maxSkewMs },
    )
    this.#loops = new OwnLoops(
      { clock, rng, nodeId: this.nodeId, send: (nodeId, packet) => engine.send(nodeId, packet) },
      { suite },
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
    clearTimeout(this.#pacing)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    clearTimeout(this.#pacing)
    await this.#engine.stop()
  }

  status(): MixStatus {
    const consensus = this.#feed.current()
    const own = consensus && findNode(consensus, this.nodeId)
    return {
      nodeId: toHex(this.nodeId),
      role: this.#options.role,
      ports: this.ports,
      directory: this.#feed.standing(),
      served: this.#service.served,
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
    return this.#feed.documents()
  }

  /** How long packets of an epoch really stayed here: known once it is over, for a few epochs. */
  staysOf(epoch: number): DelayHistogram | undefined {
    return this.#records.staysOf(epoch)
  }

  /** One round of what a node does beside serving packets. Its own loop calls it; whoever moves the clock by hand may, too. */
  tick(): Promise<void> {
    this.#ticking ??= this.#tick().finally(() => (this.#ticking = undefined))
    return this.#ticking
  }

  async #tick(): Promise<void> {
    await this.#feed.fetch()
    this.#service.update(this.#feed.held())
    this.#feed.tellStanding()
    await this.#membership.renew()
    this.#inbox.expire()
    const consensus = this.#feed.current()
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

  #engineOptions(): MixEngineOptions {
    const { suite, host, ports, role, datagrams, limits } = this.#options
    const { keys, log } = this.#given
    return {
      suite,
      linkKeys: keys.link,
      host,
      ports,
      takesClients: role === 'gateway',
      datagrams,
      limits,
      events: {
        arrived: (arrival) => this.#arrived(arrival),
        client: (linkKey, isHere) => this.#clientMoved(linkKey, isHere),
        taken: (linkKey, ids) => this.#inbox.take(linkKey, ids),
        paced: (linkKey, meanMs) => this.#setPace(linkKey, meanMs),
        stays: (histogram) => {
          this.#epochKeys.released(histogram.epoch)
          this.#records.stayed(histogram)
        },
        linkClosed: (peer, why) => log({ type: 'link.closed', peer, why }),
        failed: (why) => log({ type: 'node.failed', why }),
      },
    }
  }

  #tellPlace(consensus: Consensus): void {
    const own = findNode(consensus, this.nodeId)
    const place = own === undefined ? 'not listed' : String(own.place)
    this.#given.log({ type: 'consensus.taken', epoch: consensus.epoch, place, nodes: consensus.nodes.length })
  }

  #arrived({ recipient, surbId, body }: PacketArrival): void {
    if (!recipient) return void (this.#unclaimed += 1)
    if (equalBytes(recipient, this.nodeId)) return this.#loops.returned(body)
    if (recipient.every((byte) => byte === 0)) return void (this.#cover += 1)
    const delivery = this.#inbox.add(recipient, body, surbId)
    if (!delivery) return void (this.#unclaimed += 1)
    this.#delivered += 1
    if (!this.#paced.offer(recipient, delivery)) this.#engine.deliver(recipient, delivery)
  }

  #clientMoved(linkKey: Uint8Array, isHere: boolean): void {
    this.#paced.end(linkKey)
    if (!isHere) return this.#inbox.leave(linkKey)
    const waiting = this.#inbox.arrive(linkKey)
    const paceMs = this.#inbox.paceOf(linkKey)
    if (paceMs > 0) return this.#pace(linkKey, paceMs, waiting)
    for (const delivery of waiting) this.#engine.deliver(linkKey, delivery)
  }

  #setPace(linkKey: Uint8Array, meanMs: number): void {
    if (this.#inbox.paceOf(linkKey) === meanMs) return
    this.#inbox.setPace(linkKey, meanMs)
    if (meanMs > 0) this.#pace(linkKey, meanMs, [])
    else this.#paced.end(linkKey)
  }

  #pace(linkKey: Uint8Array, meanMs: number, waiting: readonly Uint8Array[]): void {
    this.#paced.begin(linkKey, meanMs, waiting)
    this.#windPacing()
  }

  /** One timer for all clients; it rests while none is paced. */
  #windPacing(): void {
    clearTimeout(this.#pacing)
    const { nextAt } = this.#paced
    if (nextAt === Infinity || this.#stopping.signal.aborted) return
    this.#pacing = setTimeout(
      () => {
        this.#paced.run()
        this.#windPacing()
      },
      Math.max(1, nextAt - monotonicMs()),
    )
  }

  /** What the threads counted, and what came of packets whose last hop was here: for that they hand them over. */
  #figures(): MixStatus['figures'] {
    const { counts, drops, times } = this.#engine.stats().snapshot()
    return {
      counts: { ...counts, cover: this.#cover, delivered: this.#delivered },
      drops: { ...drops, no_recipient: drops.no_recipient + this.#unclaimed },
      times,
    }
  }
}
