import { type DelaySource, type HistogramRecorder, STEPS_PER_MS } from '../delay/index.ts'
import type { HopUnwrapper, SphinxSuite } from '../sphinx/index.ts'
import { DelayWheel } from './delay-wheel.ts'
import type { DropReason } from './drops.ts'
import type { ReplayFilter } from './replay-filter.ts'
import { NO_ROUTE, type Routes } from './routes.ts'
import { NO_SLOT, type Slab } from './slab.ts'
import type { Stats } from './stats.ts'

/** What a node unwraps with in one epoch. */
export interface EpochKey {
  readonly epoch: number
  readonly unwrapper: HopUnwrapper
  readonly filter: ReplayFilter
  readonly delays: DelaySource
  /** How long packets really stayed. */
  readonly stays: HistogramRecorder
  /** Mean of each delay class, in steps of 0.1 ms. */
  readonly meanSteps: readonly number[]
}

/** A packet at its last hop. The bytes are valid only during the call. */
export interface PacketArrival {
  /** 32 bytes, or undefined for a reply whose owner named nobody. */
  readonly recipient: Uint8Array | undefined
  /** 16 bytes for a reply. */
  readonly surbId: Uint8Array | undefined
  /** The payload, or the block that only the owner of the SURB can open. */
  readonly body: Uint8Array
}

export interface PipelineEvents {
  /** The packet's time has come: its bytes at `offset` of the slab go to the route; whoever takes them copies them. */
  send(route: number, offset: number): DropReason | undefined
  arrived(arrival: PacketArrival): void
}

/**
 * The way of a packet through a node: unwrapped where it lies, checked against replays before any more work goes into it, put
 * to wait in a slot, and handed on when its time has come. Knows no sockets and no clock; allocates nothing for a packet that
 * is forwarded.
 */
export class Pipeline {
  readonly #suite: SphinxSuite
  readonly #slab: Slab
  readonly #slabBytes: Buffer
  readonly #wheel: DelayWheel
  readonly #stats: Stats
  readonly #events: PipelineEvents
  readonly #routeOf: Int32Array
  readonly #takenAt: Float64Array
  readonly #dueAt: Float64Array
  readonly #classOf: Uint8Array
  readonly #parityOf: Uint8Array
  #keys: readonly [EpochKey | undefined, EpochKey | undefined] = [undefined, undefined]
  #routes: Routes
  #now = 0

  constructor({
    suite,
    slab,
    stats,
    events,
    routes,
    now,
    wheelTicks,
  }: {
    readonly suite: SphinxSuite
    readonly slab: Slab
    readonly stats: Stats
    readonly events: PipelineEvents
    readonly routes: Routes
    readonly now: number
    /** Milliseconds of one turn of the wheel: a power of two. */
    readonly wheelTicks: number
  }) {
    this.#suite = suite
    this.#slab = slab
    this.#slabBytes = Buffer.from(slab.bytes.buffer, slab.bytes.byteOffset, slab.bytes.byteLength)
    this.#wheel = new DelayWheel({ ticks: wheelTicks, slots: slab.slots, now })
    this.#stats = stats
    this.#events = events
    this.#routes = routes
    this.#routeOf = new Int32Array(slab.slots)
    this.#takenAt = new Float64Array(slab.slots)
    this.#dueAt = new Float64Array(slab.slots)
    this.#classOf = new Uint8Array(slab.slots)
    this.#parityOf = new Uint8Array(slab.slots)
  }

  /** Packets that wait. */
  get held(): number {
    return this.#wheel.held
  }

  /** The keys of up to two neighbouring epochs; a packet tells by its parity which it was made for. */
  setKeys(keys: readonly EpochKey[]): void {
    this.#keys = [keys.find(({ epoch }) => epoch % 2 === 0), keys.find(({ epoch }) => epoch % 2 === 1)]
  }

  /** What waits keeps the route it had: `remap` tells the new number of each old one. */
  setRoutes(routes: Routes, remap: (route: number) => number): void {
    this.#routes = routes
    for (let slot = 0; slot < this.#routeOf.length; slot++) {
      const route = this.#routeOf[slot]!
      if (route !== NO_ROUTE) this.#routeOf[slot] = remap(route)
    }
  }

  /** Takes the packet at `at` of `bytes`, at `now` milliseconds. Everything that can happen to it is counted. */
  take(bytes: Buffer, at: number, now: number): void {
    this.#stats.add('received')
    const reason = this.#take(bytes, at, now)
    if (reason) this.#stats.drop(reason)
  }

  /** Hands on whatever is due. */
  advance(now: number): void {
    this.#now = now
    this.#wheel.advance(now, this.#release)
  }

  #take(bytes: Buffer, at: number, now: number): DropReason | undefined {
    const key = this.#keys[(bytes[at + 1]! & 1) as 0 | 1]
    if (!key) return 'wrong_epoch'
    const { unwrapper } = key
    const kind = unwrapper.openHeader(bytes, at)
    if (kind === 'dropped') return dropReason(unwrapper)
    if (!key.filter.note(unwrapper.replayTag, 0)) return 'replayed'
    if (kind === 'forward') return this.#hold(key, bytes, at, now)
    if (unwrapper.finish(bytes, at) === 'dropped') return dropReason(unwrapper)
    this.#arrive(unwrapper, kind === 'surb-reply', bytes, at)
    return undefined
  }

  #hold({ unwrapper, delays, meanSteps }: EpochKey, bytes: Buffer, at: number, now: number): DropReason | undefined {
    const { nextHop, delayClass } = unwrapper.commands
    const route = this.#routes.find(nextHop)
    if (route === NO_ROUTE) return 'no_route'
    const meanOfClass = meanSteps[delayClass]
    if (meanOfClass === undefined) return 'malformed'
    const slot = this.#slab.take()
    if (slot === NO_SLOT) return 'node_full'
    const offset = this.#slab.offsetOf(slot)
    if (unwrapper.finish(this.#slabBytes, offset) === 'dropped') {
      this.#slab.give(slot)
      return dropReason(unwrapper)
    }
    // Version and parity travel on as they came.
    this.#slabBytes[offset] = bytes[at]!
    this.#slabBytes[offset + 1] = bytes[at + 1]!
    const dueAt = now + delays.stepsFor(unwrapper.replayTag, meanOfClass) / STEPS_PER_MS
    this.#routeOf[slot] = route
    this.#takenAt[slot] = now
    this.#dueAt[slot] = dueAt
    this.#classOf[slot] = delayClass
    this.#parityOf[slot] = bytes[at + 1]! & 1
    this.#wheel.put(slot, dueAt)
    this.#stats.add('forwarded')
    return undefined
  }

  #arrive({ commands }: HopUnwrapper, isReply: boolean, bytes: Buffer, at: number): void {
    const { blockAt, tagBytes, packetBytes } = this.#suite.geometry
    this.#events.arrived({
      recipient: commands.hasRecipient ? commands.recipient : undefined,
      surbId: isReply ? commands.surbId : undefined,
      body: bytes.subarray(at + blockAt + (isReply ? 0 : tagBytes), at + packetBytes),
    })
  }

  readonly #release = (slot: number): void => {
    this.#stats.record('slack', this.#now - this.#dueAt[slot]!)
    this.#recordStay(slot)
    const route = this.#routeOf[slot]!
    const reason = route === NO_ROUTE ? 'no_route' : this.#events.send(route, this.#slab.offsetOf(slot))
    if (reason) this.#stats.drop(reason)
    else this.#countSent()
    this.#slab.give(slot)
  }

  #countSent(): void {
    this.#stats.add('sent')
    this.#stats.add('bytesOut', this.#suite.geometry.packetBytes)
  }

  /** With the epoch whose key opened it, while that is still there. */
  #recordStay(slot: number): void {
    const key = this.#keys[this.#parityOf[slot] as 0 | 1]
    const delayClass = this.#classOf[slot]!
    if (!key || (key.meanSteps[delayClass] ?? 0) === 0) return
    key.stays.add(delayClass, Math.round((this.#now - this.#takenAt[slot]!) * STEPS_PER_MS))
  }
}

function dropReason({ dropReason: reason }: HopUnwrapper): DropReason {
  return reason === 'header_forged' || reason === 'point_refused' || reason === 'payload_broken'
    ? 'not_genuine'
    : 'malformed'
}
