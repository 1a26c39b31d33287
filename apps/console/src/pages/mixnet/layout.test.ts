import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Place } from './epochs.ts'
import { type Band, type Direction, layoutOf, type Spot, spotBeside, waysOf } from './layout.ts'

const PLACES: readonly Place[] = ['gateway', 0, 1, 2, 'reserve', 'waiting']

function network(counts: readonly number[]) {
  return counts.flatMap((count, i) =>
    Array.from({ length: count }, (_, n) => ({
      identityKey: `${i}-${String(n).padStart(4, '0')}`,
      place: PLACES[i]!,
      weight: (n * 7919) % 1000,
    })),
  )
}

type Node = ReturnType<typeof network>[number]

function isInside({ x, y, radius }: Spot<Node>, band: Band<Node>): boolean {
  const [left, right] = [band.x - 1e-6, band.x + band.width + 1e-6]
  const [top, bottom] = [band.y - 1e-6, band.y + band.height + 1e-6]
  return x - radius >= left && x + radius <= right && y - radius >= top && y + radius <= bottom
}

function overlap(a: Spot<Node>, b: Spot<Node>): boolean {
  return Math.hypot(a.x - b.x, a.y - b.y) < a.radius + b.radius
}

const networks = fc.array(fc.nat({ max: 30 }), { minLength: 6, maxLength: 6 }).map(network)
const widths = fc.integer({ min: 280, max: 1400 })

test('every node stands once, within its own band and the picture, and no two overlap', () => {
  fc.assert(
    fc.property(networks, widths, (nodes, width) => {
      const { bands, height } = layoutOf(nodes, width)
      expect(bands.flatMap(({ spots }) => spots.map(({ node }) => node.identityKey)).toSorted()).toEqual(
        nodes.map(({ identityKey }) => identityKey).toSorted(),
      )
      for (const band of bands) {
        expect(band.y + band.height).toBeLessThanOrEqual(height + 1e-6)
        expect(band.spots.filter((spot) => spot.node.place !== band.place || !isInside(spot, band))).toEqual([])
        expect(band.spots.some((a, i) => band.spots.slice(i + 1).some((b) => overlap(a, b)))).toBe(false)
      }
    }),
    { numRuns: 40 },
  )
})

test('arrow keys reach every node from any other, at any width', () => {
  fc.assert(
    fc.property(networks, widths, (nodes, width) => {
      fc.pre(nodes.length > 0)
      const spots = layoutOf(nodes, width).bands.flatMap((band) => band.spots)
      const reached = new Set([spots[0]!])
      for (const spot of reached)
        for (const direction of ['left', 'right', 'up', 'down'] satisfies Direction[]) {
          const next = spotBeside(spots, spot, direction)
          if (next) reached.add(next)
        }
      expect(reached.size).toBe(spots.length)
    }),
    { numRuns: 15 },
  )
})

test('the heavier a node, the larger its disc', () => {
  const [band] = layoutOf(network([5]), 900).bands
  const byWeight = band!.spots.toSorted((a, b) => a.node.weight - b.node.weight)
  expect(byWeight.map(({ radius }) => radius)).toEqual(byWeight.map(({ radius }) => radius).toSorted((a, b) => a - b))
})

test('ways lead from place to place through nodes that weigh something, and are not drawn when they are too many', () => {
  const nodes = network([2, 3, 2, 1]).map((node) => ({ ...node, weight: node.identityKey === '1-0000' ? 0 : 5 }))
  expect(waysOf(layoutOf(nodes, 900).bands)).toHaveLength(2 * 2 + 2 * 2 + 2 * 1)
  expect(waysOf(layoutOf(network([30, 30, 30, 30]), 900).bands)).toBeUndefined()
})
