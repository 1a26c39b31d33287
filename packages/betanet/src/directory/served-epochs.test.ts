import { ManualClock } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rulesOf } from '../testing/directory-network.ts'
import { type Consensus, packetEpochAt } from './consensus.ts'
import { clientTimesOf } from './directory-client.ts'
import { startOf } from './schedule.ts'
import { GRACE_SHARE, servedEpochs } from './served-epochs.ts'

const { schedule } = rulesOf(['a'], 1, new ManualClock())
const { epochMs } = schedule
const { maxSkewMs } = clientTimesOf(schedule)

/** Only its times matter here. */
function consensusOf(epoch: number): Consensus {
  const [validAfter, freshUntil, validUntil] = [0, 1, 2].map((later) => startOf(schedule, epoch + later))
  return { epoch, validAfter, freshUntil, validUntil } as Consensus
}

/** Epochs served at a share of the way through an epoch, by whom: `7 by 6`. */
function servedAt(epoch: number, share: number, ...held: readonly number[]): string[] {
  const now = startOf(schedule, epoch) + share * epochMs
  return servedEpochs(schedule, { held: held.map(consensusOf), now, maxSkewMs }).map(
    (served) => `${served.epoch} by ${served.by.epoch}`,
  )
}

describe('an epoch’s packets', () => {
  test('are taken from when its consensus is held until a quarter after its end', () => {
    expect(servedAt(7, 0.1, 6, 7)).toEqual(['6 by 6', '7 by 7'])
    expect(servedAt(7, GRACE_SHARE, 6, 7)).toEqual(['7 by 7'])
    expect(servedAt(7, 0.7, 7, 8)).toEqual(['7 by 7', '8 by 8'])
    expect(servedAt(8, 0.1, 7, 8)).toEqual(['7 by 7', '8 by 8'])
  })

  test('are taken by the consensus before where its own is missing, and by its own once it is there', () => {
    expect(servedAt(6, 0.9, 6)).toEqual(['6 by 6'])
    expect(servedAt(6, 1 - maxSkewMs / epochMs, 6)).toEqual(['6 by 6', '7 by 6'])
    expect(servedAt(7, 0.3, 6)).toEqual(['7 by 6'])
    expect(servedAt(7, 0.4, 6, 7)).toEqual(['7 by 7'])
    expect(servedAt(8, 0.24, 6)).toEqual(['7 by 6'])
  })

  test('are taken for one epoch without a consensus, and not for a second', () => {
    expect(servedAt(8, 0.26, 6)).toEqual([])
    expect(servedAt(9, 0, 6)).toEqual([])
    expect(servedAt(7, 0.9, 6, 8)).toEqual(['7 by 6', '8 by 8'])
  })

  test('of whatever consensuses and moment, are of two neighbouring epochs at most', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 2 }),
        fc.double({ min: 0, max: 14, noNaN: true }),
        (epochs, at) => {
          const served = servedAt(1, at, ...epochs.toSorted((a, b) => a - b)).map((text) => Number.parseInt(text))
          expect(served.length).toBeLessThanOrEqual(2)
          const [first = 0, second = first + 1] = served
          expect(second).toBe(first + 1)
        },
      ),
    )
  })

  test('made by any clock within the bound, by this consensus or the next, are taken by every node', () => {
    const skew = fc.double({ min: -maxSkewMs / 2, max: maxSkewMs / 2, noNaN: true })
    const isHeld = fc.boolean()
    fc.assert(
      fc.property(skew, skew, isHeld, isHeld, fc.double({ min: 0, max: 2, noNaN: true }), (slow, fast, a, b, at) => {
        const now = startOf(schedule, 6) + at * epochMs
        // The next consensus can be there from the last two fifths of the epoch on.
        const hasNext = (holds: boolean) => holds && at >= 0.6
        const client = hasNext(a) && now + fast >= startOf(schedule, 7) ? consensusOf(7) : consensusOf(6)
        if (now + fast >= startOf(schedule, 8)) return
        const epoch = packetEpochAt(client, now + fast)
        const held = hasNext(b) ? [consensusOf(6), consensusOf(7)] : [consensusOf(6)]
        const served = servedEpochs(schedule, { held, now: now + slow, maxSkewMs }).map((each) => each.epoch)
        expect(served).toContain(epoch)
      }),
      { numRuns: 2_000 },
    )
  })
})
