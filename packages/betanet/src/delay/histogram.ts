import { assert, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import { documentForm, integer, list, object, type Value } from '../codec.ts'
import { CAP_IN_MEANS, MAX_MEAN_STEPS } from './delay-source.ts'
import { ksPValue, steppedExponential, type KsTest } from './kolmogorov.ts'

const BINS_PER_MEAN = 8
/** The last one holds all from the cap on. */
const BINS = CAP_IN_MEANS * BINS_PER_MEAN + 1
/** More classes than the consensus may name would be noise. */
export const MAX_DELAY_CLASSES = 8
const MAX_BYTES = 16_384

export const histogramCodec = object({
  epoch: integer(0),
  classes: list(
    object({ meanSteps: integer(1, MAX_MEAN_STEPS), counts: list(integer(0), BINS, BINS) }),
    0,
    MAX_DELAY_CLASSES,
  ),
})

/** How long packets really stayed at a node in one epoch, by class: counts in bins of an eighth of the class's mean. */
export type DelayHistogram = Value<typeof histogramCodec>

export const delayHistogramForm = documentForm<DelayHistogram>('delay histogram', histogramCodec, MAX_BYTES)

/** 32 bytes, which the node's next descriptor carries, so that it cannot show different histograms to different people. */
export function histogramDigest(histogram: DelayHistogram): Uint8Array {
  return blake2b(32, undefined, utf8('fog betanet histogram v1'), delayHistogramForm.encode(histogram))
}

/** Counts delays while an epoch runs. Costs one division and one addition a packet. */
export class HistogramRecorder {
  readonly #epoch: number
  readonly #meansSteps: readonly number[]
  readonly #counts: readonly Float64Array[]

  /** `meansSteps` of the consensus, by delay class. Classes without delay are not counted. */
  constructor(epoch: number, meansSteps: readonly number[]) {
    this.#epoch = epoch
    this.#meansSteps = meansSteps
    this.#counts = meansSteps.map(() => new Float64Array(BINS))
  }

  /** `steps` of 0.1 ms that a packet of this class stayed. */
  add(delayClass: number, steps: number): void {
    const counts = this.#counts[delayClass]
    assert(counts && steps >= 0, 'a delay of a class of this epoch')
    counts[binOf(steps, this.#meansSteps[delayClass]!)]! += 1
  }

  /** What was counted so far. Recorders of several threads are summed by `sumHistograms`. */
  take(): DelayHistogram {
    const classes = this.#meansSteps.map((meanSteps, i) => ({ meanSteps, counts: [...this.#counts[i]!] }))
    return { epoch: this.#epoch, classes: classes.filter(({ meanSteps }) => meanSteps > 0) }
  }
}

/** The histogram of all threads of a node. They count the same epoch by the same means. */
export function sumHistograms(first: DelayHistogram, ...others: readonly DelayHistogram[]): DelayHistogram {
  const sameMeans = (other: DelayHistogram) =>
    other.epoch === first.epoch &&
    other.classes.length === first.classes.length &&
    other.classes.every(({ meanSteps }, i) => meanSteps === first.classes[i]!.meanSteps)
  assert(others.every(sameMeans), 'histograms of one epoch with the same classes')
  const sum = (classIndex: number, bin: number) =>
    [first, ...others].reduce((total, { classes }) => total + classes[classIndex]!.counts[bin]!, 0)
  return {
    epoch: first.epoch,
    classes: first.classes.map(({ meanSteps, counts }, c) => ({
      meanSteps,
      counts: counts.map((_, bin) => sum(c, bin)),
    })),
  }
}

/**
 * Each class against the exponential that it should follow, at the bins' edges; undefined for a class without packets. Looking at
 * edges only, and at steps, the p-value errs towards accepting.
 */
export function testHistogram({ classes }: DelayHistogram): readonly (KsTest | undefined)[] {
  return classes.map(({ meanSteps, counts }) => {
    const samples = counts.reduce((sum, count) => sum + count, 0)
    if (samples === 0) return undefined
    const expected = steppedExponential(meanSteps)
    let [below, statistic] = [0, 0]
    for (let bin = 0; bin < BINS; bin++) {
      const edge = Math.ceil((bin * meanSteps) / BINS_PER_MEAN)
      statistic = Math.max(statistic, Math.abs(below / samples - expected.below(edge)))
      below += counts[bin]!
    }
    return { samples, statistic, pValue: ksPValue(statistic, samples) }
  })
}

function binOf(steps: number, meanSteps: number): number {
  return meanSteps === 0 ? 0 : Math.min(BINS - 1, Math.floor((steps * BINS_PER_MEAN) / meanSteps))
}
