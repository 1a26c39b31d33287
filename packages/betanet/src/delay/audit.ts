import type { DelaySource } from './delay-source.ts'
import { STEPS_PER_MS } from './delay-source.ts'
import { ksTest, steppedExponential, type KsTest } from './kolmogorov.ts'

/** A packet whose builder knows its tag at the node, and saw when it came back. */
export interface DelaySample {
  readonly replayTag: Uint8Array
  readonly meanSteps: number
  /** How long the node kept it: the time seen less what links and other hops took. Undefined when it never came back. */
  readonly observedMs: number | undefined
}

export interface AuditLimits {
  /** Nearer than this to its delay a packet may be on either side: what the watcher cannot measure. */
  readonly uncertaintyMs: number
  /** Lateness an honest node may add: its published slack. */
  readonly slackMs: number
  /** Fewer packets than this say nothing. */
  readonly fewestSamples: number
  /** The share of packets that may be late for reasons of their own, such as a busy machine. */
  readonly lateShare: number
}

export const DEFAULT_AUDIT_LIMITS: AuditLimits = {
  uncertaintyMs: 2,
  slackMs: 5,
  fewestSamples: 30,
  lateShare: 0.02,
}

/** `early`: a packet left before its time, which no honest node does. `late`: more of them left late than may. */
export type AuditVerdict = 'honest' | 'early' | 'late' | 'lossy' | 'too_few'

export interface AuditReport {
  readonly verdict: AuditVerdict
  readonly packets: number
  readonly lost: number
  readonly early: number
  readonly late: number
  /** Observed less expected, in milliseconds; undefined without a packet that came back. */
  readonly errorMs:
    | { readonly least: number; readonly median: number; readonly p95: number; readonly most: number }
    | undefined
  /** The delays expected against the exponential, for the samples of each mean: the tags' builder cannot choose them. */
  readonly sampled: readonly { readonly meanSteps: number; readonly test: KsTest }[]
}

/** A share of lost packets that no honest node reaches on a working network. */
const LOSSY_SHARE = 0.1

/** Compares what a node did with what its reveal says it had to do, packet by packet. */
export function auditDelays(
  source: Pick<DelaySource, 'stepsFor'>,
  samples: readonly DelaySample[],
  limits: AuditLimits = DEFAULT_AUDIT_LIMITS,
): AuditReport {
  const expected = samples.map(({ replayTag, meanSteps }) => source.stepsFor(replayTag, meanSteps))
  const errors = samples.flatMap(({ observedMs }, i) =>
    observedMs === undefined ? [] : [observedMs - expected[i]! / STEPS_PER_MS],
  )
  const counts = {
    packets: samples.length,
    lost: samples.length - errors.length,
    early: errors.filter((error) => error < -limits.uncertaintyMs).length,
    late: errors.filter((error) => error > limits.uncertaintyMs + limits.slackMs).length,
  }
  return {
    verdict: verdictOf(counts, limits),
    ...counts,
    errorMs: spreadOf(errors),
    sampled: byMean(samples, expected),
  }
}

function verdictOf(
  { packets, lost, early, late }: { packets: number; lost: number; early: number; late: number },
  limits: AuditLimits,
): AuditVerdict {
  if (early > 0) return 'early'
  if (packets < limits.fewestSamples) return 'too_few'
  if (lost > packets * LOSSY_SHARE) return 'lossy'
  return late > (packets - lost) * limits.lateShare ? 'late' : 'honest'
}

function spreadOf(errors: readonly number[]): AuditReport['errorMs'] {
  if (errors.length === 0) return undefined
  const sorted = errors.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return { least: at(0), median: at(0.5), p95: at(0.95), most: at(1) }
}

function byMean(samples: readonly DelaySample[], expected: readonly number[]): AuditReport['sampled'] {
  const groups = Map.groupBy(expected.keys(), (i) => samples[i]!.meanSteps)
  return [...groups]
    .filter(([meanSteps]) => meanSteps > 0)
    .sort(([a], [b]) => a - b)
    .map(([meanSteps, members]) => ({
      meanSteps,
      test: ksTest(
        members.map((i) => expected[i]!),
        steppedExponential(meanSteps),
      ),
    }))
}
