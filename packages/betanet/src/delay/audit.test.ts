import { isFogError, seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditDelays, type DelaySample } from './audit.ts'
import { DelaySource, delaySteps, STEPS_PER_MS } from './delay-source.ts'
import { delayHistogramForm, histogramDigest, HistogramRecorder, sumHistograms, testHistogram } from './histogram.ts'
import { exponential, ksPValue, ksTest, steppedExponential, truncatedExponential } from './kolmogorov.ts'

const rng = seededRng(11)
const source = new DelaySource(rng.bytes(64))

/** What a watcher of a node sees that keeps each packet `keep(expected)` milliseconds. */
function watch(packets: number, keep: (expectedMs: number, i: number) => number | undefined): DelaySample[] {
  return Array.from({ length: packets }, (_, i) => {
    const [replayTag, meanSteps] = [rng.bytes(32), i % 2 === 0 ? 100 : 500]
    return { replayTag, meanSteps, observedMs: keep(source.stepsFor(replayTag, meanSteps) / STEPS_PER_MS, i) }
  })
}

describe('auditDelays', () => {
  test('a node that waits as it must, and a little longer, is honest', () => {
    const report = auditDelays(
      source,
      watch(400, (ms) => ms + 3 * rng.next()),
    )
    expect(report).toMatchObject({ verdict: 'honest', packets: 400, lost: 0, early: 0, late: 0 })
    expect(report.errorMs!.most).toBeLessThan(3.1)
    expect(report.sampled.map(({ meanSteps }) => meanSteps)).toEqual([100, 500])
    expect(report.sampled.every(({ test }) => test.pValue > 0.001)).toBe(true)
  })

  test.each([
    ['early', (ms: number) => ms / 2],
    ['early', () => 0],
    ['late', (ms: number, i: number) => (i % 5 === 0 ? ms + 40 : ms)],
    ['lossy', (ms: number, i: number) => (i % 4 === 0 ? undefined : ms)],
    ['early', () => (100 * -Math.log(1 - rng.next())) / STEPS_PER_MS],
  ] as const)('a node that does otherwise is found: %s', (verdict, keep) => {
    expect(auditDelays(source, watch(200, keep)).verdict).toBe(verdict)
  })

  test('a handful of packets is no evidence against a node, save one that left early', () => {
    expect(
      auditDelays(
        source,
        watch(5, (ms) => ms + 100),
      ).verdict,
    ).toBe('too_few')
    expect(auditDelays(source, []).verdict).toBe('too_few')
    expect(
      auditDelays(
        source,
        watch(5, (ms) => ms - 3),
      ).verdict,
    ).toBe('early')
  })
})

describe('the test of Kolmogorov and Smirnov', () => {
  test('gives the p-values of the tables', () => {
    // Critical values at 5 and 1 percent, Massey 1951: 1.36 and 1.63 over the root of n.
    expect(ksPValue(1.3581 / 100, 10_000)).toBeCloseTo(0.05, 3)
    expect(ksPValue(1.6276 / 100, 10_000)).toBeCloseTo(0.01, 3)
    expect(ksPValue(0.409, 10)).toBeCloseTo(0.05, 2)
    expect(ksPValue(0, 10)).toBe(1)
    expect(ksPValue(1, 1_000)).toBe(0)
  })

  test('accepts each distribution for its own samples, with p-values spread evenly, and refuses others', () => {
    const pValues = Array.from({ length: 200 }, () => {
      const samples = Array.from({ length: 300 }, () => -20 * Math.log(1 - rng.next()))
      return ksTest(samples, exponential(20)).pValue
    })
    expect(ksTest(pValues, { upTo: (p) => p, below: (p) => p }).pValue).toBeGreaterThan(0.01)
    const shifted = Array.from({ length: 1_000 }, () => 5 - 20 * Math.log(1 - rng.next()))
    expect(ksTest(shifted, exponential(20)).pValue).toBeLessThan(1e-6)
    const uniform = Array.from({ length: 1_000 }, () => 40 * rng.next())
    expect(ksTest(uniform, exponential(20)).pValue).toBeLessThan(1e-6)
  })

  test('knows the exponential cut off and the one in steps', () => {
    const whole = Array.from({ length: 4_000 }, () => -20 * Math.log(1 - rng.next()))
    const short = whole.filter((x) => x < 30)
    expect(ksTest(short, truncatedExponential(20, 30)).pValue).toBeGreaterThan(0.001)
    expect(ksTest(short, exponential(20)).pValue).toBeLessThan(1e-6)
    const steps = whole.map((x) => Math.min(Math.round(x / 10), 20))
    expect(ksTest(steps, steppedExponential(2)).pValue).toBeGreaterThan(0.001)
    expect(ksTest(steps, exponential(2)).pValue).toBeLessThan(1e-6)
  })
})

describe('the histogram', () => {
  const word = () => Math.floor(rng.next() * 2 ** 32)
  const recorded = (packets: number, late = 0) => {
    const recorder = new HistogramRecorder(7, [0, 50, 500])
    for (let i = 0; i < packets; i++) recorder.add(1 + (i % 2), late + delaySteps([50, 500][i % 2]!, word(), word()))
    recorder.add(0, 0)
    return recorder.take()
  }

  test('of honest delays passes, of late ones does not, and of none says nothing', () => {
    expect(testHistogram(recorded(20_000)).every((result) => result!.pValue > 0.001)).toBe(true)
    expect(testHistogram(recorded(20_000, 25)).every((result) => result!.pValue < 1e-6)).toBe(true)
    expect(testHistogram(recorded(0))).toEqual([undefined, undefined])
  })

  test('of several threads is their sum', () => {
    const [a, b] = [recorded(1_000), recorded(500)]
    const sum = sumHistograms(a, b)
    expect(sum.classes[1]!.counts.reduce((total, count) => total + count, 0)).toBe(750)
    expect(() => sumHistograms(a, { ...b, epoch: 8 })).toThrow('one epoch')
  })

  test('is read back as it was written, and its digest tells any other', () => {
    const histogram = recorded(300)
    const bytes = delayHistogramForm.encode(histogram)
    expect(delayHistogramForm.parse(bytes)).toEqual(histogram)
    expect(histogramDigest({ ...histogram, epoch: 8 })).not.toEqual(histogramDigest(histogram))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const other = bytes.slice()
        other[at]! ^= flip
        // Another histogram, or none; the same one never.
        const digestOrCode = () => {
          try {
            return histogramDigest(delayHistogramForm.parse(other))
          } catch (fault) {
            return isFogError(fault) ? fault.code : fault
          }
        }
        expect(digestOrCode()).not.toEqual(histogramDigest(histogram))
        expect(digestOrCode()).toSatisfy(
          (found) => found instanceof Uint8Array || found === 'betanet.document_malformed',
        )
      }),
    )
  })
})
