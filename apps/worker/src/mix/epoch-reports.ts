import { ApiError } from '@fog/contract'
import { type DelayHistogram } from '@fog/betanet/delay'
import {
  type DirectoryRules,
  epochAt,
  signedReportForm,
  signReport,
  startOf,
  type TrafficReport,
} from '@fog/betanet/directory'
import type { MixStatus } from '@fog/betanet/node'
import type { Clock, Instant } from '@fog/kernel'
import type { KeyPair } from '@fog/kernel/node'

/** How long after an epoch its histogram is waited for, and how long its report is tried, in epochs. */
const STAYS_SHARE = 0.6
const LATEST_SHARE = 2.5
/** Epochs are forgotten when they cannot be reported any more; this many wait at most. */
const MOST_WAITING = 4
const MOST_COVERED_MS = 86_400_000

const COUNTED = ['received', 'forwarded', 'delivered', 'cover', 'bytesIn', 'bytesOut'] as const
type Counted = (typeof COUNTED)[number]

interface Totals {
  readonly counts: Readonly<Record<Counted, number>>
  readonly drops: TrafficReport['drops']
  readonly loops: TrafficReport['loops']
}

interface Waiting {
  readonly epoch: number
  readonly since: Instant
  readonly coveredMs: number
  readonly totals: Totals
}

export interface ReportNeeds {
  readonly node: { status(): MixStatus; staysOf(epoch: number): DelayHistogram | undefined }
  readonly identity: KeyPair
  readonly clock: Clock
  readonly send: (report: Uint8Array) => Promise<void>
  readonly tell: (event: ReportEvent) => void
}

export type ReportEvent =
  | { readonly type: 'reported'; readonly epoch: number }
  | { readonly type: 'refused'; readonly epoch: number; readonly why: string }
  | { readonly type: 'unreachable'; readonly epoch: number; readonly why: string }

/**
 * Tells the directory, signed, what a node counted in each epoch that is over. Never while it runs: whoever saw counts by the
 * second could follow packets.
 */
export class EpochReports {
  readonly #needs: ReportNeeds
  readonly #rules: DirectoryRules
  #open: { readonly epoch: number; readonly since: Instant; readonly before: Totals; wasListed: boolean } | undefined
  #waiting: Waiting[] = []

  constructor(needs: ReportNeeds, rules: DirectoryRules) {
    this.#needs = needs
    this.#rules = rules
  }

  /** Does what is due; called often. */
  async tick(): Promise<void> {
    const { node, clock } = this.#needs
    const now = clock.now()
    const status = node.status()
    const epoch = epochAt(this.#rules.schedule, now)
    if (this.#open && epoch > this.#open.epoch) this.#close(status, now)
    this.#open ??= { epoch, since: now, before: totalsOf(status), wasListed: false }
    this.#open.wasListed ||= status.epoch === epoch && status.place !== undefined
    for (const waiting of this.#waiting) if (this.#isDue(waiting, now)) await this.#report(waiting, now)
  }

  #close(status: MixStatus, now: Instant): void {
    const { epoch, since, before, wasListed } = this.#open!
    this.#open = undefined
    if (!wasListed) return
    const coveredMs = Math.max(1, Math.min(MOST_COVERED_MS, Math.round(now - since)))
    this.#waiting.push({ epoch, since, coveredMs, totals: difference(before, totalsOf(status)) })
    this.#waiting = this.#waiting.slice(-MOST_WAITING)
  }

  #isDue({ epoch }: Waiting, now: Instant): boolean {
    const { schedule } = this.#rules
    const isThere = this.#needs.node.staysOf(epoch) !== undefined
    return isThere || now >= startOf(schedule, epoch + 1) + schedule.epochMs * STAYS_SHARE
  }

  async #report(waiting: Waiting, now: Instant): Promise<void> {
    const { identity, send, tell } = this.#needs
    const { epoch } = waiting
    const { schedule } = this.#rules
    try {
      await send(signedReportForm.encode(signReport(this.#reportOf(waiting), identity.secretKey)))
      tell({ type: 'reported', epoch })
    } catch (fault) {
      const isFinal = fault instanceof ApiError && fault.status < 500 && fault.status !== 429
      const isLate = now > startOf(schedule, epoch + 1) + schedule.epochMs * LATEST_SHARE
      const why = fault instanceof Error ? fault.message : String(fault)
      tell({ type: isFinal ? 'refused' : 'unreachable', epoch, why })
      if (!isFinal && !isLate) return
    }
    this.#waiting = this.#waiting.filter((each) => each !== waiting)
  }

  #reportOf({ epoch, since, coveredMs, totals }: Waiting): TrafficReport {
    const { schedule, network } = this.#rules
    const share = (since - startOf(schedule, epoch)) / schedule.epochMs
    return {
      kind: 'betanet.traffic-report.v1',
      network,
      epoch,
      // A node that was started anew within the epoch knows the rest of it only, and says so last.
      revision: Math.max(0, Math.min(1_000_000, Math.floor(share * 1_000_000))),
      identityKey: this.#needs.identity.publicKey,
      coveredMs,
      ...totals,
      delays: this.#needs.node.staysOf(epoch),
    }
  }
}

function totalsOf({ figures: { counts, drops }, loops }: MixStatus): Totals {
  const counted = Object.fromEntries(COUNTED.map((name) => [name, counts[name]])) as Record<Counted, number>
  return { counts: counted, drops, loops: { ...loops } }
}

/** Loops are counted in the epoch in which it is known what became of them. */
function difference(before: Totals, after: Totals): Totals {
  const returned = after.loops.returned - before.loops.returned
  const lost = after.loops.lost - before.loops.lost
  return {
    counts: subtract(before.counts, after.counts),
    drops: subtract(before.drops, after.drops),
    loops: { sent: returned + lost, returned, lost },
  }
}

function subtract<Key extends string>(
  before: Readonly<Record<Key, number>>,
  after: Readonly<Record<Key, number>>,
): Record<Key, number> {
  const keys = Object.keys(after) as Key[]
  return Object.fromEntries(keys.map((key) => [key, Math.max(0, after[key] - before[key])])) as Record<Key, number>
}
