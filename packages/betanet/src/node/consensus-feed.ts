import type { Clock } from '@fog/kernel'
import {
  clientTimesOf,
  type Consensus,
  DirectoryClient,
  type DirectoryStanding,
  type Schedule,
  StandingWatch,
  type Trust,
} from '../directory/index.ts'
import type { DirectoryAccess } from './mix-node-options.ts'
import type { MixEvent } from './mix-status.ts'

export interface ConsensusFeedNeeds {
  readonly directory: DirectoryAccess
  readonly clock: Clock
  readonly log: (event: MixEvent) => void
  /** A new consensus was taken. */
  readonly taken: (consensus: Consensus) => void
}

export interface ConsensusFeedOptions {
  readonly trust: Trust
  readonly schedule: Schedule
  readonly documents: readonly Uint8Array[]
}

/** The consensuses a node goes by: asked for when the next one may be there, and what to tell when it does not come. */
export class ConsensusFeed {
  readonly maxSkewMs: number
  readonly #needs: ConsensusFeedNeeds
  readonly #schedule: Schedule
  readonly #client: DirectoryClient
  readonly #watch = new StandingWatch()
  #isClockOff = false

  constructor(needs: ConsensusFeedNeeds, { trust, schedule, documents }: ConsensusFeedOptions) {
    const times = clientTimesOf(schedule)
    this.maxSkewMs = times.maxSkewMs
    this.#needs = needs
    this.#schedule = schedule
    this.#client = new DirectoryClient(needs, { ...trust, ...times })
    for (const document of documents) this.#client.take(document)
  }

  current(): Consensus | undefined {
    return this.#client.current()
  }

  /** Oldest first; two at most. */
  held(): readonly Consensus[] {
    return this.#client.consensuses()
  }

  documents(): readonly Uint8Array[] {
    return this.#client.documents()
  }

  standing(): DirectoryStanding {
    return this.#client.standing()
  }

  async fetch(): Promise<void> {
    const { directory, clock, log, taken } = this.#needs
    const staleAt = this.#client.staleAt()
    // The next consensus may be there as soon as it was agreed on, before the one in force is stale.
    if (staleAt !== undefined && clock.now() < staleAt - this.#schedule.closeMs) return
    try {
      const bytes = await directory.consensus()
      const outcome = bytes && this.#client.take(bytes)
      if (outcome && !outcome.ok) log({ type: 'consensus.refused', reason: outcome.reason, detail: outcome.detail })
      if (outcome?.ok && outcome.isNew) taken(outcome.consensus)
    } catch (fault) {
      log({ type: 'directory.unreachable', why: fault instanceof Error ? fault.message : String(fault) })
    }
    this.#tellClock()
  }

  /** Tells whatever changed in how it stands with the directory. */
  tellStanding(): void {
    const event = this.#watch.look(this.#client.standing())
    if (event) this.#needs.log(event)
  }

  #tellClock(): void {
    const { directory, log } = this.#needs
    const aheadMs = directory.clockAheadMs ?? 0
    const isOff = Math.abs(aheadMs) > this.maxSkewMs
    if (isOff && !this.#isClockOff) log({ type: 'clock.off', aheadMs, mostMs: this.maxSkewMs })
    this.#isClockOff = isOff
  }
}
