import type { Tier } from '../tier.ts'
import type { ObjectiveName } from './model.ts'

/** Promises that tasks of a tier would see broken. */
export type Breaches = Readonly<Record<Tier, number>>

/** What a policy looks at in a point of a front. */
export interface Candidate {
  /** In the order of `objectives`. */
  readonly values: readonly number[]
  readonly breaches: Breaches
}

/** Which point of a front is put in force. */
export interface PlacementPolicy {
  /** Tiers whose promises come before everything else, one after the other. */
  readonly protect: readonly Tier[]
  /** Then the knee of two objectives, or the least of one. */
  readonly seeks: readonly [ObjectiveName, ObjectiveName] | ObjectiveName
}

/** No Platinum promise broken, then no Gold promise, then the knee of cost and energy. */
export const TIER_POLICY: PlacementPolicy = { protect: ['platinum', 'gold'], seeks: ['cost', 'energy'] }

export interface Choice {
  /** Place of the point; -1 of an empty front. */
  readonly chosen: number
  /** Why, as people read it. */
  readonly why: string
}

/**
 * Chooses by the policy. Where no point keeps a tier's promises, those that break fewest go on. The knee is the point that
 * lies furthest below the line between the two ends, each objective over the range of those left (`spanOf`). Pure.
 */
export function choosePoint(
  points: readonly Candidate[],
  objectives: readonly ObjectiveName[],
  policy: PlacementPolicy = TIER_POLICY,
): Choice {
  if (points.length === 0) return { chosen: -1, why: 'There is nothing to place.' }
  let left = [...points.keys()]
  const reasons: string[] = []
  for (const tier of policy.protect) {
    const least = Math.min(...left.map((at) => points[at]!.breaches[tier]))
    const before = left.length
    left = left.filter((at) => points[at]!.breaches[tier] === least)
    reasons.push(protectReason({ tier, least, before, after: left.length }))
  }
  const [chosen, reason] = chooseAmong(left, points, objectives, policy.seeks)
  return { chosen, why: [...reasons, reason].join(' ') }
}

interface Protected {
  readonly tier: Tier
  readonly least: number
  readonly before: number
  readonly after: number
}

function protectReason({ tier, least, before, after }: Protected): string {
  const name = tier[0]!.toUpperCase() + tier.slice(1)
  const of = `${after} of ${before} ${before === 1 ? 'point' : 'points'}`
  if (least === 0) return `${of} ${after === 1 ? 'keeps' : 'keep'} every ${name} promise.`
  return `None keeps every ${name} promise; ${of} ${after === 1 ? 'breaks' : 'break'} as few as possible, ${least}.`
}

function chooseAmong(
  left: readonly number[],
  points: readonly Candidate[],
  objectives: readonly ObjectiveName[],
  seeks: PlacementPolicy['seeks'],
): [number, string] {
  const wanted = (typeof seeks === 'string' ? [seeks] : seeks).filter((name) => objectives.includes(name))
  const at = wanted.map((name) => objectives.indexOf(name))
  const ranges = at.map((k) => rangeOf(left.map((point) => points[point]!.values[k]!)))
  let chosen = left[0]!
  let least = Number.POSITIVE_INFINITY
  for (const point of left) {
    // On shares of the ranges the line between the ends is where the shares sum to 1: furthest below has the least sum.
    const sum = at.reduce((sum, k, i) => sum + shareOf(points[point]!.values[k]!, ranges[i]!), 0)
    if (sum >= least) continue
    least = sum
    chosen = point
  }
  if (left.length === 1) return [chosen, points.length === 1 ? 'The front is this point.' : 'It is the only one.']
  if (wanted.length === 0) return [chosen, `It is the first of ${left.length}.`]
  const names = wanted.join(' and ')
  const over = wanted.map(
    (name, i) => `${percentOver(points[chosen]!.values[at[i]!]!, ranges[i]!)} over the least ${name}`,
  )
  const what = wanted.length === 2 ? `the knee of ${names}` : `the least ${names}`
  return [chosen, `Of these it is ${what}: ${over.join(', ')}.`]
}

interface Range {
  readonly least: number
  readonly most: number
}

function rangeOf(values: readonly number[]): Range {
  return { least: Math.min(...values), most: Math.max(...values) }
}

function shareOf(value: number, { least, most }: Range): number {
  return (value - least) / spanOf(least, most)
}

/** A range narrower than this share of its least counts as that wide: a hair's breadth of one is no match for half of another. */
const NARROWEST = 0.05

/** How wide a range of values counts. */
export function spanOf(least: number, most: number): number {
  return Math.max(most - least, NARROWEST * Math.abs(least)) || 1
}

function percentOver(value: number, { least }: Range): string {
  return least > 0 ? `${((value / least - 1) * 100).toFixed(1)} %` : (value - least).toFixed(2)
}
