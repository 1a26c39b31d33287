import type { Instant } from '@fog/kernel'
import { chargeLosses, type NodeCharge } from './prober/charge-losses.ts'
import type { LoopOutcome } from './prober/estimate-losses.ts'
import { wilson } from './prober/wilson.ts'

/** What came of a loop packet, and when that was known. */
export interface ProbeResult extends LoopOutcome {
  readonly at: Instant
}

/** What probes found of a node lately. */
export interface ProbeSum {
  /** Loops through it, and how many of those never came back, whoever dropped them. */
  readonly sent: number
  readonly lost: number
  /** Of the latest result. */
  readonly at: Instant
  /** `unknown` while there are too few loops to say anything; the figures below are undefined then. */
  readonly standing: 'measured' | 'unknown'
  /** The share of packets it dropped itself, most likely: 0 to 1. */
  readonly lossRate: number | undefined
  /** What it dropped at the least: beyond doubts of five to one. What its performance is made of. */
  readonly leastLossRate: number | undefined
  /** Of loops through it that came back: milliseconds from sent to back. */
  readonly meanMs: number | undefined
}

/** Where those who send loops through the network put what they measured, and the registry finds it. */
export interface MixProbes {
  note(results: readonly ProbeResult[]): Promise<void>
  /** Of these nodes, those that anything is known of. */
  read(identityKeys: readonly string[], now: Instant): Promise<Map<string, ProbeSum>>
}

/** An hour counts: a node that mends its ways is forgiven by then. */
const WINDOW_MS = 3_600_000
/** Loops remembered at once, the latest: an hour's, at four a second. */
const MOST_LOOPS = 16_384
/** Fewer loops through a node say nothing: one lost packet of a few would ruin an honest one. */
export const FEWEST_PROBES = 20
/** Figures may be so old: finding them takes tens of milliseconds, and a page that many watch asks often. */
const FRESH_MS = 2_000
/** One-sided 84 %. */
const DOUBT_SIGMAS = 1

interface Found {
  readonly at: Instant
  readonly results: readonly ProbeResult[]
  readonly charges: ReadonlyMap<string, NodeCharge>
  readonly latest: ReadonlyMap<string, Instant>
}

/** Loops of the last hour, in memory: after a restart nodes are unknown until they are measured again. */
export class MemoryMixProbes implements MixProbes {
  #results: readonly ProbeResult[] = []
  #found: Found | undefined

  async note(results: readonly ProbeResult[]): Promise<void> {
    if (results.length > 0) this.#results = [...this.#results, ...results].slice(-MOST_LOOPS)
  }

  async read(identityKeys: readonly string[], now: Instant): Promise<Map<string, ProbeSum>> {
    if (this.#results.some(({ at }) => at <= now - WINDOW_MS))
      this.#results = this.#results.filter(({ at }) => at > now - WINDOW_MS)
    const isNew = this.#found?.results !== this.#results
    const isStale = !this.#found?.results.length || now >= this.#found.at + FRESH_MS
    if (!this.#found || (isNew && isStale)) this.#found = find(this.#results, now)
    const { charges, latest } = this.#found
    return new Map(
      identityKeys.flatMap((key) => {
        const charge = charges.get(key)
        return charge ? [[key, sumOf(charge, latest.get(key)!)]] : []
      }),
    )
  }
}

function find(results: readonly ProbeResult[], now: Instant): Found {
  const latest = new Map<string, Instant>()
  for (const { hops, at } of results) for (const hop of hops) latest.set(hop, at)
  return { at: now, results, charges: chargeLosses(results), latest }
}

function sumOf({ loops, lost, lossRate, meanMs }: NodeCharge, at: Instant): ProbeSum {
  const isMeasured = loops >= FEWEST_PROBES
  return {
    sent: loops,
    lost,
    at,
    standing: isMeasured ? 'measured' : 'unknown',
    lossRate: isMeasured ? lossRate : undefined,
    leastLossRate: isMeasured ? wilson(lossRate * loops, loops, DOUBT_SIGMAS).least : undefined,
    meanMs: isMeasured ? meanMs : undefined,
  }
}
