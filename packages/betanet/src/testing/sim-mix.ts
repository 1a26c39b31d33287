import { type DhKeyPair, type Rng, toHex } from '@fog/kernel'
import { Inbox } from '../gateway/inbox.ts'
import { DelaySource, HistogramRecorder } from '../delay/index.ts'
import { newReplayMemory, type PacketArrival, ReplayFilter, Stats } from '../mix/index.ts'
import { type EpochKey, Pipeline } from '../mix/pipeline.ts'
import { Routes } from '../mix/routes.ts'
import { Slab } from '../mix/slab.ts'
import { HopUnwrapper, type SphinxSuite } from '../sphinx/index.ts'
import type { SimAgenda } from './sim-agenda.ts'

/** What a bad node makes of a packet that it is to send: copies of it, none, or another, each so much later. */
export type SimFault = (packet: Uint8Array) => readonly { readonly packet: Uint8Array; readonly lateMs: number }[]

export interface SimMixNeeds {
  readonly suite: SphinxSuite
  readonly agenda: SimAgenda
  readonly rng: Rng
  readonly meanSteps: readonly number[]
  /** Its Sphinx key of an epoch. */
  readonly keysOf: (epoch: number) => DhKeyPair
  readonly inbox: Inbox
  /** Hands a packet to the node of this route. */
  readonly send: (route: number, packet: Uint8Array) => void
  /** Hands a delivery to a client whose link is here. */
  readonly deliver: (recipient: Uint8Array, delivery: Uint8Array) => void
}

const SLOTS = 4_096
const WHEEL_TICKS = 4_096
const TAGS = 100_000

/** A mix node without sockets: the real pipeline, in simulated time. `fault` makes it a bad one, `isDead` a dead one. */
export class SimMix {
  fault: SimFault | undefined
  isDead = false
  readonly stats = new Stats()
  /** What a gateway keeps for its clients. */
  readonly inbox: Inbox
  readonly #needs: SimMixNeeds
  readonly #pipeline: Pipeline
  #keys: readonly EpochKey[] = []
  #isWound = false

  constructor(needs: SimMixNeeds) {
    const slab = new Slab({ slots: SLOTS, slotBytes: needs.suite.geometry.packetBytes })
    this.#needs = needs
    this.inbox = needs.inbox
    this.#pipeline = new Pipeline({
      suite: needs.suite,
      slab,
      stats: this.stats,
      routes: new Routes([]),
      now: needs.agenda.now,
      wheelTicks: WHEEL_TICKS,
      events: {
        send: (route, offset) => {
          this.#send(route, slab.bytes.slice(offset, offset + slab.slotBytes))
          return undefined
        },
        arrived: (arrival) => this.#arrived(arrival),
      },
    })
  }

  setNeighbours(nodeIds: readonly Uint8Array[]): void {
    this.#pipeline.setRoutes(new Routes(nodeIds), (route) => route)
  }

  /** Takes packets of these epochs from now on. Keys that stay keep the tags that they have seen. */
  serve(epochs: readonly number[]): void {
    if (epochs.length === this.#keys.length && this.#keys.every(({ epoch }, i) => epoch === epochs[i])) return
    this.#keys = epochs.map((epoch) => this.#keys.find((key) => key.epoch === epoch) ?? this.#newKey(epoch))
    this.#pipeline.setKeys(this.#keys)
  }

  take(packet: Uint8Array): void {
    if (this.isDead) return
    this.#pipeline.take(Buffer.from(packet), 0, this.#needs.agenda.now)
    this.#wind()
  }

  #newKey(epoch: number): EpochKey {
    const { suite, keysOf, rng, meanSteps } = this.#needs
    return {
      epoch,
      unwrapper: new HopUnwrapper(suite, keysOf(epoch).secretKey),
      filter: new ReplayFilter(newReplayMemory(TAGS)),
      delays: new DelaySource(rng.bytes(64)),
      stays: new HistogramRecorder(epoch, meanSteps),
      meanSteps,
    }
  }

  #send(route: number, packet: Uint8Array): void {
    const { agenda, send } = this.#needs
    const sent = this.fault ? this.fault(packet) : [{ packet, lateMs: 0 }]
    for (const each of sent) agenda.after(each.lateMs, () => this.isDead || send(route, each.packet))
  }

  #arrived({ recipient, surbId, body }: PacketArrival): void {
    if (!recipient || toHex(recipient) === NOBODY) return
    const delivery = this.inbox.add(recipient, body, surbId)
    if (delivery) this.#needs.deliver(Uint8Array.from(recipient), delivery)
  }

  #wind(): void {
    if (this.#isWound || this.#pipeline.held === 0) return
    this.#isWound = true
    this.#needs.agenda.after(1, () => {
      this.#isWound = false
      this.#pipeline.advance(this.#needs.agenda.now)
      this.#wind()
    })
  }
}

const NOBODY = '00'.repeat(32)
