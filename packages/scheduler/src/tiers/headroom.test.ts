import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NodeView } from '../node-view.ts'
import { Fixtures, GIB } from '../testing/index.ts'
import { domainOf } from './domains.ts'
import { headroomOf, unusedHeadroom } from './headroom.ts'

const some = new Fixtures()

function node(cores: number, part: Partial<NodeView> = {}): NodeView {
  const room = { cpuMilli: cores * 1000, memoryBytes: 8 * GIB, diskBytes: 8 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name: 'a node',
    kinds: ['wasm'],
    capacity: room,
    free: room,
    slots: 8,
    latencyMs: 5,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

const sum = (kept: ReadonlyMap<string, number>) => [...kept.values()].reduce((total, cores) => total + cores, 0)

test('a tenth of forty cores is four whole ones, over both domains', () => {
  const nodes = [node(10), node(10), node(10, { labels: { domain: 'a' } }), node(10, { labels: { domain: 'a' } })]
  const kept = headroomOf(nodes, 1_000)
  expect(sum(kept)).toBe(4_000)
  const domains = new Set(nodes.filter(({ nodeId }) => kept.has(nodeId)).map(domainOf))
  expect(domains.size).toBe(3)
})

test('a fog of one node, of one domain or of a few cores keeps nothing', () => {
  expect(headroomOf([node(64)], 1_000).size).toBe(0)
  const labels = { domain: 'cellar' }
  expect(headroomOf([node(64, { labels }), node(64, { labels })], 1_000).size).toBe(0)
  expect(headroomOf([node(4), node(4)], 1_000).size).toBe(0)
  expect(headroomOf([node(64), node(64)], 0).size).toBe(0)
})

test('only nodes that could serve Platinum keep anything', () => {
  const able = [node(20), node(20)]
  const others = [node(20, { latencyMs: undefined }), node(20, { latencyMs: 21 }), node(20, { closed: 'lost' })]
  const kept = headroomOf([...able, ...others], 1_000)
  expect(new Set(kept.keys())).toEqual(new Set(able.map(({ nodeId }) => nodeId)))
  expect(sum(kept)).toBe(4_000)
})

test('what Platinum runs on a node counts as its headroom in use', () => {
  const nodes = [node(20), node(20)]
  const kept = headroomOf(nodes, 1_000)
  const [first, second] = nodes.map(({ nodeId }) => nodeId)
  const used = new Map([[first!, 500]])
  expect(unusedHeadroom(kept, used)).toEqual(
    new Map([
      [first, 1_500],
      [second, 2_000],
    ]),
  )
  expect(unusedHeadroom(kept, new Map([[first!, 2_000]]))).toEqual(new Map([[second, 2_000]]))
})

test('never more than the share, than half of a node, or in fewer than two domains', () => {
  const fogs = fc.array(fc.record({ cores: fc.integer({ min: 1, max: 64 }), domain: fc.nat(4) }), { maxLength: 30 })
  fc.assert(
    fc.property(fogs, fc.integer({ min: 0, max: 10_000 }), (wanted, share) => {
      const nodes = wanted.map(({ cores, domain }) => node(cores, { labels: { domain: `d${domain}` } }))
      const kept = headroomOf(nodes, share)
      const cores = nodes.reduce((total, { capacity }) => total + capacity.cpuMilli, 0)
      expect(sum(kept)).toBeLessThanOrEqual((cores * share) / 10_000)
      for (const { nodeId, capacity } of nodes) {
        expect(kept.get(nodeId) ?? 0).toBeLessThanOrEqual(capacity.cpuMilli / 2)
        expect((kept.get(nodeId) ?? 0) % 1000).toBe(0)
      }
      const domains = new Set(nodes.filter(({ nodeId }) => kept.has(nodeId)).map(domainOf))
      expect(kept.size === 0 || domains.size >= 2).toBe(true)
    }),
  )
})
