import { type Instant, toRfc3339 } from '@fog/kernel'
import type { Consensus } from './consensus.ts'

/** How a node or client stands with the directory. */
export interface DirectoryStanding {
  /**
   * `none`: there was no consensus yet. `current`: the epoch's own is held. `late`: it did not come, and the one before serves on,
   * until `endsAt`. `stopped`: that is over too, and nothing can be sent until there is a new one.
   */
  readonly state: 'none' | 'current' | 'late' | 'stopped'
  /** Of the consensus in force, or the last there was. */
  readonly epoch: number | undefined
  /** When the consensus in force serves no more, or since when the last does not. */
  readonly endsAt: Instant | undefined
  /** For people, unless all is well. */
  readonly why: string | undefined
}

export type StandingEvent =
  /** The epoch's consensus is missing: the one before serves on, until `endsAt`. */
  | { readonly type: 'network.late'; readonly epoch: number; readonly endsAt: Instant; readonly why: string }
  /** No consensus came since that of `epoch`, and it serves no more. */
  | { readonly type: 'network.stopped'; readonly epoch: number; readonly endsAt: Instant; readonly why: string }
  | { readonly type: 'network.recovered'; readonly epoch: number }

/** Tells once when the network goes on without a new consensus, when it stands still, and when it is well again. */
export class StandingWatch {
  #told: DirectoryStanding['state'] = 'none'

  /** What there is to tell, when it stands like this now. */
  look({ state, epoch, endsAt, why }: DirectoryStanding): StandingEvent | undefined {
    const before = this.#told
    this.#told = state
    if (state === before || epoch === undefined) return undefined
    if (state === 'current') return before === 'none' ? undefined : { type: 'network.recovered', epoch }
    if (state === 'none' || endsAt === undefined || why === undefined) return undefined
    return { type: `network.${state}`, epoch, endsAt, why }
  }
}

export function standingOf(
  current: Consensus | undefined,
  last: Consensus | undefined,
  refused: { readonly reason: string; readonly detail: string } | undefined,
  { now, maxSkewMs }: { readonly now: Instant; readonly maxSkewMs: number },
): DirectoryStanding {
  const cause = refused === undefined ? '' : ` What came last was refused as ${refused.reason}: ${refused.detail}.`
  if (!current && (!last || last.validAfter > now)) {
    const [epoch, endsAt] = [last?.epoch, last?.validUntil]
    return { state: 'none', epoch, endsAt, why: `There is no consensus of this time yet.${cause}` }
  }
  const { epoch, freshUntil, validUntil: endsAt } = current ?? last!
  const end = toRfc3339(endsAt)
  if (!current) {
    const why = `No consensus came since that of epoch ${epoch}, which served until ${end}: the network stands still for this machine until there is one.${cause}`
    return { state: 'stopped', epoch, endsAt, why }
  }
  if (now < freshUntil + maxSkewMs) return { state: 'current', epoch, endsAt, why: undefined }
  const why = `The consensus of epoch ${epoch + 1} is missing; that of epoch ${epoch} serves until ${end}.${cause}`
  return { state: 'late', epoch, endsAt, why }
}
