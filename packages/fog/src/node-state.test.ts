import { newId, seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import type { FogNode } from './node.ts'
import { offerOf, slotsOf, stateOf, takesWork } from './node-state.ts'
import { enrolled } from './registry.ts'

const rng = seededRng(5)
const NODE: FogNode = {
  ...enrolled({
    nodeId: newId('node', 0, rng),
    ownerId: newId('account', 0, rng),
    name: 'attic',
    publicKey: '0'.repeat(64),
    labels: {},
    at: 0,
  }),
  gatewayId: newId('gateway', 0, rng),
  health: 'online',
  capacity: { cpuMilli: 4_000, memoryBytes: 1_000, diskBytes: 1_000 },
  harvest: { mode: 'run', reasons: [], cpuShare: 100, maxTasks: 4 },
}

describe('the word for a node', () => {
  test.each<[string, Partial<FogNode>]>([
    ['online', {}],
    ['throttled', harvest('throttle')],
    ['suspended', harvest('suspend')],
    ['suspended', harvest('evict')],
    ['suspended', harvest('off')],
    ['suspect', { health: 'suspect' }],
    ['unreachable', { health: 'unreachable' }],
    ['lost', { health: 'lost' }],
    ['draining', { duty: 'draining' }],
    ['quarantined', { duty: 'quarantined' }],
    ['retired', { duty: 'retired' }],
  ])('is %s for %j', (state, side) => {
    expect(stateOf({ ...NODE, ...side })).toBe(state)
  })

  test('names what is final before what is broken, then the order to drain, then the policy', () => {
    const all = { health: 'lost', ...harvest('suspend') } as const
    expect(stateOf({ ...NODE, ...all, duty: 'retired' })).toBe('retired')
    expect(stateOf({ ...NODE, ...all, duty: 'quarantined' })).toBe('quarantined')
    expect(stateOf({ ...NODE, ...all, duty: 'draining' })).toBe('lost')
    expect(stateOf({ ...NODE, ...harvest('suspend'), duty: 'draining' })).toBe('draining')
  })
})

describe('new work', () => {
  const open = (side: Partial<FogNode>) => takesWork({ ...NODE, ...side })

  test('goes to a node that is connected, healthy, on duty, allowed and not full', () => {
    expect(open({})).toBe(true)
    expect(open({ harvest: { ...NODE.harvest, mode: 'throttle', cpuShare: 25, maxTasks: 1 } })).toBe(true)
  })

  test.each<[string, Partial<FogNode>]>([
    ['without a channel', { gatewayId: undefined }],
    ['that is suspect', { health: 'suspect' }],
    ['that is draining', { duty: 'draining' }],
    ['whose lender said stop', { harvest: { ...NODE.harvest, mode: 'suspend' } }],
    ['that may run nothing more', { harvest: { ...NODE.harvest, maxTasks: 0 } }],
    ['with as many tasks as it may have', { reservations: 4 }],
  ])('goes to no node %s', (_, side) => {
    expect(open(side)).toBe(false)
  })

  test('finds the capacity that the lender and the reservations leave', () => {
    const reserved = { cpuMilli: 500, memoryBytes: 400, diskBytes: 0 }
    const node = { ...NODE, reserved, reservations: 1, harvest: { ...NODE.harvest, cpuShare: 50 } }
    expect(offerOf(node)).toEqual({ cpuMilli: 1_500, memoryBytes: 600, diskBytes: 1_000 })
    expect(slotsOf(node)).toBe(3)
    expect(slotsOf({ ...node, reservations: 9 })).toBe(0)
  })
})

function harvest(mode: FogNode['harvest']['mode']) {
  return { harvest: { ...NODE.harvest, mode } }
}
