/** What the weight of a node is made from. Whole numbers, so that everyone computes the same. */
export interface Standing {
  /** 0 to 1000: what its work so far earned it. */
  readonly reputation: number
  /** 0 to 1000: of a thousand loop packets sent through it, how many came back. */
  readonly performance: number
  /** Whole tokens locked for the node. */
  readonly stake: number
  /** 0 to 8: reveals missing or wrong, less those made good since. */
  readonly faults: number
}

/** More faults than this make no difference: the node is out. */
export const MOST_FAULTS = 8
/** Stake that doubles a weight. More does nothing. */
export const FULL_STAKE = 10_000
/** A lost packet counts five times: at 200 of 1000 lost, a node is out. */
const LOSS_FACTOR = 5

/** The largest weight there is: full reputation, no loss, no fault, full stake. */
export const MOST_WEIGHT = 2_000_000

/**
 * weight = floor(reputation x service x (1000 + bonus) x reliability / 10^6), at most 2,000,000, where
 *
 * - service = 1000 - 5 x loss in permille, not below 0;
 * - bonus = floor(1000 x root(stake / 10,000)), at most 1000: stake can double a weight, never make one;
 * - reliability = floor(1000 / 2^faults), 0 from 8 faults on.
 */
export function lotteryWeight({ reputation, performance, stake, faults }: Standing): number {
  const service = Math.max(0, 1_000 - LOSS_FACTOR * (1_000 - performance))
  const reliability = faults >= MOST_FAULTS ? 0 : Math.floor(1_000 / 2 ** faults)
  // At most 2 x 10^12: exact in a double.
  return Math.floor((reputation * service * (1_000 + stakeBonus(stake)) * reliability) / 1_000_000)
}

/** floor(1000 x root(stake / 10,000)) = floor(root(100 x stake)), by whole numbers. */
export function stakeBonus(stake: number): number {
  return wholeRoot(100 * Math.min(stake, FULL_STAKE))
}

/** The largest whole number whose square is not above `square`, for `square` up to 10^6. */
function wholeRoot(square: number): number {
  let root = 0
  for (let bit = 512; bit >= 1; bit /= 2) if ((root + bit) ** 2 <= square) root += bit
  return root
}

/** Faults after an epoch in which the node's reveal was what `reveal` says. A wrong one is no accident. */
export function nextFaults(faults: number, reveal: RevealState): number {
  switch (reveal) {
    case 'valid':
      return Math.max(0, faults - 1)
    case 'missing':
      return Math.min(MOST_FAULTS, faults + 1)
    case 'wrong':
      return MOST_FAULTS
    case 'none':
      return faults
  }
}

export const REVEAL_STATES = ['valid', 'missing', 'wrong', 'none'] as const
/** `none`: the node served no epoch that it would have to explain. */
export type RevealState = (typeof REVEAL_STATES)[number]
