import { expect, test } from 'vitest'
import type { MixFlowView, MixPlaceFlowsView, MixPlaceFlowView } from '@fog/contract'
import { dropsOf, flowOfAll, flowOfPlace, lengthOf, perSecond, reasonsOf, seriesOf } from './flow.ts'

const NOTHING = {
  received: 0,
  forwarded: 0,
  delivered: 0,
  cover: 0,
  dropped: 0,
  bytesIn: 0,
  bytesOut: 0,
  loopsSent: 0,
  loopsReturned: 0,
  loopsLost: 0,
}
const timesOf = (epoch: number) => ({
  epoch,
  from: new Date(epoch * 60_000).toISOString(),
  to: new Date((epoch + 1) * 60_000).toISOString(),
})
const placed = (place: MixPlaceFlowView['place'], more: Partial<MixPlaceFlowView>): MixPlaceFlowView => ({
  place,
  listed: 2,
  reported: 2,
  ...NOTHING,
  drops: {},
  ...more,
})
const EPOCHS: readonly MixPlaceFlowsView[] = [
  {
    ...timesOf(9),
    places: [
      placed('gateway', { received: 600, drops: { replayed: 3, malformed: 0 } }),
      placed(1, { received: 300, reported: 1, drops: { replayed: 1, link_full: 9 } }),
    ],
  },
  { ...timesOf(7), places: [placed('gateway', { received: 60 })] },
]

test('a rate is the sum over the length of its epoch', () => {
  const [flow] = flowOfPlace(EPOCHS, 'gateway')
  expect(perSecond(flow!.received, lengthOf(flow!))).toBe(10)
})

test('how many could have reported is unknown where it was not told', () => {
  const of = (epoch: number): MixFlowView => ({
    ...timesOf(epoch),
    nodes: 3,
    ...NOTHING,
    receivedPerSecond: 0,
    forwardedPerSecond: 0,
  })
  expect(flowOfAll([of(9), of(2)], EPOCHS).map(({ reported, listed }) => [reported, listed])).toEqual([
    [3, 4],
    [3, undefined],
  ])
})

test('epochs in which nobody had a place are left out of its flow', () => {
  expect(flowOfPlace(EPOCHS, 1)).toMatchObject([{ epoch: 9, received: 300, reported: 1, listed: 2 }])
  expect(flowOfPlace(EPOCHS, 0)).toEqual([])
})

test('drops are summed by reason, of all places or one, and only those that happened', () => {
  expect([...dropsOf(EPOCHS[0]!, 'all')]).toEqual([
    ['replayed', 4],
    ['link_full', 9],
  ])
  expect([...dropsOf(EPOCHS[0]!, 'gateway')]).toEqual([['replayed', 3]])
  expect(reasonsOf(EPOCHS.map((epoch) => dropsOf(epoch, 'all')))).toEqual(['link_full', 'replayed'])
})

test('an epoch that nobody reported is a gap', () => {
  const flows = flowOfPlace(EPOCHS, 'gateway')
  expect(seriesOf(flows, [({ received }) => received])).toEqual({ epochs: [7, 8, 9], series: [[60, null, 600]] })
  expect(seriesOf([], [() => 1])).toEqual({ epochs: [], series: [[]] })
})
