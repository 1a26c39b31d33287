import { Worker } from 'node:worker_threads'
import { BrokenInvariant, type DhKeyPair, toHex } from '@fog/kernel'
import { type DelayHistogram, sumHistograms } from '../delay/index.ts'
import type { PacketArrival } from '../mix/pipeline.ts'
import { Stats, STATS_BYTES, sumStats } from '../mix/stats.ts'
import type { Neighbour } from './out-links.ts'
import type { EpochSecrets, FromThread, SuiteName, ThreadData, ToThread } from './thread-messages.ts'
import { DEFAULT_VERTICAL_LIMITS, type VerticalLimits } from './vertical.ts'

export interface MixEngineEvents {
  /** A packet was at its last hop here; the bytes are the receiver's. */
  arrived(arrival: PacketArrival): void
  client(linkKey: Uint8Array, isHere: boolean): void
  taken(linkKey: Uint8Array, ids: Uint8Array): void
  /** A client wants deliveries at random times, this mean apart, cover among them. */
  paced(linkKey: Uint8Array, meanMs: number): void
  linkClosed(peer: string, why: string): void
  /** How long packets of an epoch that is over really stayed, over all threads. */
  stays(histogram: DelayHistogram): void
  /** A thread died: the node cannot go on as it is. */
  failed(why: string): void
}

export interface MixEngineOptions {
  readonly suite: SuiteName
  readonly linkKeys: DhKeyPair
  readonly host: string
  /** One for each thread; 0 takes any free port. */
  readonly ports: readonly number[]
  readonly takesClients: boolean
  /** Whether packets are sent and taken as datagrams, where the neighbour does too. */
  readonly datagrams?: boolean | undefined
  readonly limits?: VerticalLimits | undefined
  readonly events: MixEngineEvents
}

/** The threads of a mix node, each a vertical of its own, and what they are told and tell together. */
export class MixEngine {
  readonly #options: MixEngineOptions
  readonly #threads: readonly { readonly worker: Worker; readonly stats: Stats }[]
  readonly #stays = new Map<number, DelayHistogram[]>()
  readonly #clients = new Map<string, number>()
  #ports: readonly number[] = []
  #isStopping = false

  constructor(options: MixEngineOptions) {
    this.#options = options
    this.#threads = options.ports.map((port, thread) => {
      const memory = new SharedArrayBuffer(STATS_BYTES)
      const { suite, linkKeys, host, takesClients, datagrams = false, limits = DEFAULT_VERTICAL_LIMITS } = options
      const data: ThreadData = { thread, suite, linkKeys, host, port, takesClients, datagrams, limits, stats: memory }
      const worker = new Worker(new URL('./vertical-thread.ts', import.meta.url), { workerData: data })
      return { worker, stats: new Stats(memory) }
    })
  }

  /** The ports it listens on, one a thread, once started. */
  get ports(): readonly number[] {
    return this.#ports
  }

  /** All threads' figures, as one. */
  stats(): Stats {
    return sumStats(this.#threads.map(({ stats }) => stats))
  }

  async start(): Promise<void> {
    this.#ports = await Promise.all(this.#threads.map(({ worker }, thread) => this.#startThread(worker, thread)))
  }

  /** The keys of this and perhaps a neighbouring epoch. */
  setEpochs(epochs: readonly EpochSecrets[]): void {
    this.#tellAll({ type: 'epochs', epochs })
  }

  setNeighbours(neighbours: readonly Neighbour[]): void {
    this.#tellAll({ type: 'neighbours', neighbours })
  }

  /** Sends a packet of this node's own through any of its threads. */
  send(nodeId: Uint8Array, packet: Uint8Array): void {
    this.#tell(nodeId[0]! % this.#threads.length, { type: 'send', nodeId, packet })
  }

  /** Hands a delivery to a client, if its link is here. */
  deliver(linkKey: Uint8Array, body: Uint8Array): boolean {
    const thread = this.#clients.get(toHex(linkKey))
    if (thread === undefined) return false
    this.#tell(thread, { type: 'deliver', linkKey, body })
    return true
  }

  /** Takes nothing new, sends what waits, and stops; after `mostMs` what still waits is lost. */
  async drain(mostMs: number): Promise<void> {
    this.#isStopping = true
    this.#tellAll({ type: 'drain' })
    const timer = setTimeout(() => this.#tellAll({ type: 'stop' }), mostMs)
    await Promise.all(this.#threads.map(({ worker }) => exited(worker)))
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#tellAll({ type: 'stop' })
    await Promise.all(this.#threads.map(({ worker }) => exited(worker)))
  }

  #startThread(worker: Worker, thread: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const { events } = this.#options
    worker.on('message', (message: FromThread) => {
      if (message.type === 'listening') resolve(message.port)
      else if (message.type === 'failed') reject(new Error(message.message))
      else this.#heard(message, thread)
    })
    worker.once('error', reject)
    worker.on('error', (fault) => events.failed(`thread ${thread}: ${fault.message}`))
    worker.once('exit', () => {
      reject(new BrokenInvariant(`thread ${thread} of the mix node ended before it listened`))
      if (!this.#isStopping) events.failed(`thread ${thread} ended`)
    })
    return promise
  }

  #heard(message: FromThread, thread: number): void {
    const { events } = this.#options
    if (message.type === 'arrived') events.arrived(message)
    if (message.type === 'stays') this.#collectStays(message.histogram)
    if (message.type === 'taken') events.taken(message.linkKey, message.ids)
    if (message.type === 'paced') events.paced(message.linkKey, message.meanMs)
    if (message.type === 'link_closed') events.linkClosed(message.peer, message.why)
    if (message.type === 'client') {
      const name = toHex(message.linkKey)
      if (message.isHere) this.#clients.set(name, thread)
      else if (this.#clients.get(name) === thread) this.#clients.delete(name)
      events.client(message.linkKey, this.#clients.has(name))
    }
  }

  #collectStays(histogram: DelayHistogram): void {
    const others = this.#stays.get(histogram.epoch) ?? []
    this.#stays.set(histogram.epoch, [...others, histogram])
    if (others.length + 1 < this.#threads.length) return
    this.#stays.delete(histogram.epoch)
    this.#options.events.stays(sumHistograms(histogram, ...others))
  }

  #tellAll(message: ToThread): void {
    for (const thread of this.#threads.keys()) this.#tell(thread, message)
  }

  #tell(thread: number, message: ToThread): void {
    const worker = this.#threads[thread]?.worker
    if (worker) worker.postMessage(message, [])
  }
}

function exited(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return Promise.resolve()
  return new Promise((resolve) => worker.once('exit', () => resolve()))
}
