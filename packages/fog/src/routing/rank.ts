import { affinityBased } from './affinity-based.ts'
import { leastLoaded, loadWith } from './least-loaded.ts'
import { privacyAware } from './privacy-aware.ts'
import { proximityBased } from './proximity-based.ts'
import { roundRobin } from './round-robin.ts'
import type { RouteCandidate, RouteRequest, RoutingStrategy, Strategy } from './strategy.ts'

const STRATEGIES: Readonly<Record<RoutingStrategy, Strategy>> = {
  round_robin: roundRobin,
  least_loaded: leastLoaded,
  affinity_based: affinityBased,
  proximity_based: proximityBased,
  privacy_aware: privacyAware,
}

export interface Ranking<C extends RouteCandidate> {
  /** Best first. */
  readonly ranked: readonly C[]
  /** Those the strategy cannot accept, with why. */
  readonly refused: readonly { readonly candidate: C; readonly reason: string }[]
  /** Why a ranked candidate stands where it does, as people read it; written only when asked for. */
  readonly reasonFor: (candidate: C) => string
}

/**
 * Orders nodes that all could take the task, best first. Pure, and sorts plain numbers: a thousand candidates take well
 * under a millisecond. Who needs only the best one asks `choose`.
 */
export function rank<C extends RouteCandidate>(
  strategy: RoutingStrategy,
  candidates: readonly C[],
  request: RouteRequest,
): Ranking<C> {
  const { accepted, refused } = sift(strategy, candidates, request)
  const ranked = accepted
    .map((candidate) => standing(strategy, candidate, request))
    .sort(compare)
    .map(({ candidate }) => candidate)
  return { ranked, refused, reasonFor: (candidate) => STRATEGIES[strategy].reason(candidate, request) }
}

/** The best candidate of `rank`, found in one pass; undefined when the strategy accepts none. */
export function choose<C extends RouteCandidate>(
  strategy: RoutingStrategy,
  candidates: readonly C[],
  request: RouteRequest,
): C | undefined {
  const { refusal } = STRATEGIES[strategy]
  let best: Standing<C> | undefined
  for (const candidate of candidates) {
    if (refusal?.(candidate, request) !== undefined) continue
    const next = standing(strategy, candidate, request)
    if (!best || compare(next, best) < 0) best = next
  }
  return best?.candidate
}

function sift<C extends RouteCandidate>(strategy: RoutingStrategy, candidates: readonly C[], request: RouteRequest) {
  const { refusal } = STRATEGIES[strategy]
  if (!refusal) return { accepted: candidates, refused: [] }
  const accepted: C[] = []
  const refused: { candidate: C; reason: string }[] = []
  for (const candidate of candidates) {
    const reason = refusal(candidate, request)
    if (reason === undefined) accepted.push(candidate)
    else refused.push({ candidate, reason })
  }
  return { accepted, refused }
}

interface Standing<C> {
  readonly candidate: C
  readonly cost: number
  readonly load: number
}

function standing<C extends RouteCandidate>(
  strategy: RoutingStrategy,
  candidate: C,
  request: RouteRequest,
): Standing<C> {
  const { cost, amongEquals } = STRATEGIES[strategy]
  const load = amongEquals === 'least_loaded' ? loadWith(candidate, request) : 0
  return { candidate, cost: cost(candidate, request), load }
}

function compare(a: Standing<RouteCandidate>, b: Standing<RouteCandidate>): number {
  if (a.cost !== b.cost) return a.cost - b.cost
  if (a.load !== b.load) return a.load - b.load
  return a.candidate.nodeId < b.candidate.nodeId ? -1 : 1
}
