/** The service levels, best first. */
export const TIERS = ['platinum', 'gold', 'silver', 'bronze'] as const
export type Tier = (typeof TIERS)[number]

export interface TierTerms {
  /** 95 of 100 tasks start within this time; undefined promises nothing. */
  readonly queueWaitP95Ms: number | undefined
  /** Round trip a node may have at most. */
  readonly latencyCapMs: number | undefined
  /** Run time over that of an idle node. */
  readonly runStretch: number
  readonly failureDomains: number
  /** A lost task runs again within this time. */
  readonly restartMs: number | undefined
  readonly preempts: readonly Tier[]
  /** Of the price, when a promise is broken. */
  readonly creditBasisPoints: number
  /** How long a suspended attempt keeps its lease. */
  readonly suspendLimitMs: number
  /** Price multiplier in thousandths. */
  readonly priceMilli: number
  /** Results that must agree when `verify` is `auto`. */
  readonly quorum: number
  /** Of single results, how many are checked by a second node. */
  readonly spotCheckBasisPoints: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** The one table of promises: scheduler, ledger, API and console read it from here. */
export const TIER_TERMS: Readonly<Record<Tier, TierTerms>> = {
  platinum: {
    queueWaitP95Ms: 5 * SECOND,
    latencyCapMs: 20,
    runStretch: 1.05,
    failureDomains: 2,
    restartMs: 10 * SECOND,
    preempts: ['silver', 'bronze'],
    creditBasisPoints: 5_000,
    suspendLimitMs: 10 * SECOND,
    priceMilli: 4_000,
    quorum: 2,
    spotCheckBasisPoints: 0,
  },
  gold: {
    queueWaitP95Ms: MINUTE,
    latencyCapMs: 20,
    runStretch: 1.3,
    failureDomains: 1,
    restartMs: MINUTE,
    preempts: ['bronze'],
    creditBasisPoints: 2_500,
    suspendLimitMs: 30 * SECOND,
    priceMilli: 2_000,
    quorum: 2,
    spotCheckBasisPoints: 0,
  },
  silver: {
    queueWaitP95Ms: 15 * MINUTE,
    latencyCapMs: 100,
    runStretch: 1.3,
    failureDomains: 1,
    restartMs: 5 * MINUTE,
    preempts: [],
    creditBasisPoints: 1_000,
    suspendLimitMs: 2 * MINUTE,
    priceMilli: 1_000,
    quorum: 1,
    spotCheckBasisPoints: 1_000,
  },
  bronze: {
    queueWaitP95Ms: undefined,
    latencyCapMs: undefined,
    runStretch: 3,
    failureDomains: 1,
    restartMs: undefined,
    preempts: [],
    creditBasisPoints: 0,
    suspendLimitMs: 10 * MINUTE,
    priceMilli: 500,
    quorum: 1,
    spotCheckBasisPoints: 500,
  },
}
