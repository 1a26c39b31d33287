import { STEPS_PER_MS } from '../delay/index.ts'
import { LAYERS, type NetworkParameters } from '../directory/index.ts'

/** Hops that hold a packet: the entry gateway and a mix of each layer. The exit hands it over at once. */
export const HOLDING_HOPS = 1 + LAYERS.length

/** One packet in a thousand takes longer than a quantile that is waited for. */
export const LATE_SHARE = 0.001

/** How long packets take, by the distribution their delays are drawn from: milliseconds. */
export interface PathDelay {
  readonly meanMs: number
  /** All but `LATE_SHARE` of the packets are there by then. */
  readonly oneWayMs: number
  /** The same for a packet and the answer to it. */
  readonly roundTripMs: number
}

/** Times on the way only: what networks, queues and busy machines add is the caller's to add. */
export function pathDelay({ delayMeansSteps }: NetworkParameters, delayClass: number): PathDelay {
  const meanMs = (delayMeansSteps[delayClass] ?? 0) / STEPS_PER_MS
  return {
    meanMs: HOLDING_HOPS * meanMs,
    oneWayMs: erlangQuantile(HOLDING_HOPS, LATE_SHARE) * meanMs,
    roundTripMs: erlangQuantile(2 * HOLDING_HOPS, LATE_SHARE) * meanMs,
  }
}

/** The chance that so many exponential times of mean 1 add up to more than `time` (the Erlang distribution's tail). */
export function erlangTail(stages: number, time: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; k < stages; k++) {
    term *= time / k
    sum += term
  }
  return Math.exp(-time) * sum
}

/** The time that so many exponential times of mean 1 together exceed with this chance, by halving. */
export function erlangQuantile(stages: number, tail: number): number {
  let [low, high] = [0, stages]
  while (erlangTail(stages, high) > tail) high *= 2
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2
    if (erlangTail(stages, middle) > tail) low = middle
    else high = middle
  }
  return high
}
