import { MemoryDatabase, newId, seededRng } from '@fog/kernel'
import type { AttemptId } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryNodeStore } from './memory-node-store.ts'
import type { FogNode } from './node.ts'
import { enrolled } from './registry.ts'
import { addResources, fits, NOTHING } from './resources.ts'

const rng = seededRng(6)
const capacity = { cpuMilli: 100, memoryBytes: 100, diskBytes: 100 }
const NODES = ['a', 'b', 'c'].map((name, i): FogNode => {
  const nodeId = newId('node', i, rng)
  const publicKey = String(i).repeat(64)
  const node = enrolled({ nodeId, ownerId: newId('account', i, rng), name, publicKey, labels: {}, at: i })
  return { ...node, capacity, health: 'online' }
})
const ATTEMPTS = Array.from({ length: 12 }, (): AttemptId => newId('attempt', 0, rng))

const size = fc.nat(60)
const attemptId = fc.constantFrom(...ATTEMPTS)
const item = fc.record({
  attemptId,
  nodeId: fc.constantFrom(...NODES.map(({ nodeId }) => nodeId)),
  resources: fc.record({ cpuMilli: size, memoryBytes: size, diskBytes: size }),
})
const step = fc.oneof(
  fc.record({ type: fc.constant('reserve'), items: fc.array(item, { maxLength: 5 }), dies: fc.boolean() }),
  fc.record({ type: fc.constant('free'), attemptIds: fc.array(attemptId, { maxLength: 5 }), dies: fc.boolean() }),
)

test('however reserving and freeing mix, nodes are never overfull and each reservation lives and ends once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const database = new MemoryDatabase()
      const store = new MemoryNodeStore(database)
      for (const node of NODES) await store.add(node)
      const live = new Set<AttemptId>()
      for (const step of steps) {
        const done = await database
          .transact(async () => {
            const done = step.type === 'reserve' ? await store.reserve(step.items) : await store.free(step.attemptIds)
            if (step.dies) throw new Error('the process died')
            return done
          })
          .catch((): AttemptId[] => [])
        expect(done.filter((attemptId) => live.has(attemptId))).toHaveLength(step.type === 'free' ? done.length : 0)
        const change = step.type === 'free' ? live.delete.bind(live) : live.add.bind(live)
        done.forEach((attemptId) => change(attemptId))
        expect(await sumsOf(store)).toEqual({ overfull: [], audit: [], live: [...live].sort() })
      }
    }),
    { numRuns: 200 },
  )
})

test('reserving and freeing all at once keeps the sums right', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const database = new MemoryDatabase()
      const store = new MemoryNodeStore(database)
      for (const node of NODES) await store.add(node)
      await Promise.all(
        steps.map((step) =>
          database.transact(() => (step.type === 'reserve' ? store.reserve(step.items) : store.free(step.attemptIds))),
        ),
      )
      const { overfull, audit } = await sumsOf(store)
      expect([overfull, audit]).toEqual([[], []])
    }),
  )
})

async function sumsOf(store: MemoryNodeStore) {
  const nodes = await store.list({ limit: 10 })
  const reservations = (await Promise.all(nodes.map(({ nodeId }) => store.reservationsOf([nodeId])))).flat()
  const overfull = nodes.filter(({ nodeId, reserved, reservations: count }) => {
    const own = reservations.filter((reservation) => reservation.nodeId === nodeId)
    const sum = own.reduce((sum, { resources }) => addResources(sum, resources), NOTHING)
    return count !== own.length || !fits(sum, capacity) || !fits(reserved, capacity)
  })
  return { overfull, audit: await store.auditReservations(), live: reservations.map((r) => r.attemptId).sort() }
}
