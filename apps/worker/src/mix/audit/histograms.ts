import { type DelayHistogram, histogramDigest, steppedExponential, STEPS_PER_MS } from '@fog/betanet/delay'
import { isGenuineReport, signedReportForm } from '@fog/betanet/directory'
import { equalBytes, toHex } from '@fog/kernel'

/** What a node's own histogram of an epoch says: how long packets really stayed, timers and a busy machine included. */
export interface HistogramFinding {
  readonly nodeId: string
  readonly epoch: number
  /**
   * `fits` the exponential that was to be drawn from, or does so when up to the slack allowed is added (`late`). `early`: packets left
   * sooner than any such delays let them. `slow`: they stayed longer. `disowned`: not the histogram that the descriptor promises.
   */
  readonly state: 'fits' | 'late' | 'early' | 'slow' | 'disowned' | 'missing'
  readonly packets: number
  /** How likely an honest node shows the like: of the class and the side that are least likely; undefined without packets. */
  readonly pValue: number | undefined
}

/** An honest node's histogram is this unlikely once in ten thousand times. */
const LEAST_P = 1e-4
/** Packets that may be late beyond all slack, for reasons of the machine. */
const LATE_SHARE = 0.02
const BINS_PER_MEAN = 8

type Judgement = Pick<HistogramFinding, 'state' | 'packets' | 'pValue'>

/** Judges the signed report of a node against the digest that its descriptor promised. */
export function judgeHistogram(
  bytes: Uint8Array | undefined,
  digest: Uint8Array,
  of: { readonly nodeId: string; readonly epoch: number },
  { slackMs }: { readonly slackMs: number },
): Judgement {
  const histogram = bytes && histogramIn(bytes, of)
  if (!histogram) return { state: 'missing', packets: 0, pValue: undefined }
  const packets = histogram.classes.reduce((sum, { counts }) => sum + sumOf(counts), 0)
  if (!equalBytes(histogramDigest(histogram), digest)) return { state: 'disowned', packets, pValue: undefined }
  const sides = histogram.classes.filter(({ counts }) => sumOf(counts) > 0).map((each) => sidesOf(each, slackMs))
  if (sides.length === 0) return { state: 'fits', packets, pValue: undefined }
  const least = (side: keyof Sides) => Math.min(...sides.map((each) => each[side]))
  const [early, slow, late] = [least('early'), least('slow'), least('late')]
  const state = early < LEAST_P ? 'early' : slow < LEAST_P ? 'slow' : late < LEAST_P ? 'late' : 'fits'
  return { state, packets, pValue: Math.min(early, slow) }
}

interface Sides {
  readonly early: number
  readonly late: number
  readonly slow: number
}

/**
 * One-sided Kolmogorov-Smirnov tests at the bins' edges, by Smirnov's bound exp(-2 n d^2), which errs towards accepting: more
 * packets gone by then than may be; fewer; fewer even when all stayed the slack longer.
 */
function sidesOf({ meanSteps, counts }: DelayHistogram['classes'][number], slackMs: number): Sides {
  const samples = sumOf(counts)
  const expected = steppedExponential(meanSteps)
  const distances = { early: 0, late: 0, slow: 0 }
  let gone = 0
  for (const [bin, count] of counts.entries()) {
    const edge = Math.ceil((bin * meanSteps) / BINS_PER_MEAN)
    const share = gone / samples
    const slacked = (1 - LATE_SHARE) * expected.below(edge - slackMs * STEPS_PER_MS)
    distances.early = Math.max(distances.early, share - expected.below(edge))
    distances.late = Math.max(distances.late, expected.below(edge) - share)
    distances.slow = Math.max(distances.slow, slacked - share)
    gone += count
  }
  const pValue = (distance: number) => Math.exp(-2 * samples * distance * distance)
  return { early: pValue(distances.early), late: pValue(distances.late), slow: pValue(distances.slow) }
}

function histogramIn(
  bytes: Uint8Array,
  { nodeId, epoch }: { readonly nodeId: string; readonly epoch: number },
): DelayHistogram | undefined {
  try {
    const signed = signedReportForm.parse(bytes)
    const { report } = signed
    const isOwn = report.epoch === epoch && toHex(report.identityKey) === nodeId && isGenuineReport(signed)
    return isOwn ? report.delays : undefined
  } catch {
    // Whatever it is, it is no report: as good as none.
    return undefined
  }
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
