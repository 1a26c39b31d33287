import { newId, seededRng } from '@fog/kernel'
import type { Instant, NodeId, Rng } from '@fog/kernel'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { heartbeatIntervalMs, HealthMonitor } from './health.ts'

const rng = seededRng(4)
const node: NodeId = newId('node', 0, rng)
const BEAT_MS = 2_000
let monitor: HealthMonitor
let now: Instant

beforeEach(() => {
  monitor = new HealthMonitor()
  now = 1_000_000
  monitor.watch(node, BEAT_MS, now)
})

describe('a silent node', () => {
  beforeEach(() => beatFor(60_000))

  test('is suspect, then unreachable, then lost, once each', () => {
    expect(silence(60_000)).toEqual([
      { health: 'suspect', after: 5_100 },
      { health: 'unreachable', after: 7_300 },
      { health: 'lost', after: 17_300 },
    ])
  })

  test('is not suspect for one lost heartbeat', () => {
    expect(silence(2 * BEAT_MS + 500)).toEqual([])
  })

  test('is online again with its next heartbeat, from wherever it was', () => {
    for (const [silent, was] of [
      [6_000, 'suspect'],
      [12_000, 'unreachable'],
      [40_000, 'lost'],
    ] as const) {
      silence(silent)
      monitor.beat(node, now)
      expect(monitor.check(now)).toEqual([
        { nodeId: node, from: was, to: 'online', at: now, reason: 'it is heard again' },
      ])
      beatFor(60_000)
    }
  })

  test('is told of with how long it was silent', () => {
    now += 6_000
    expect(monitor.check(now)).toEqual([
      { nodeId: node, from: 'online', to: 'suspect', at: now, reason: 'not heard for 6.0 s' },
    ])
  })

  test('is noticed as fast the second time: an outage is not learned as a rhythm', () => {
    silence(120_000)
    beatFor(60_000)
    expect(silence(8_000).map(({ health }) => health)).toEqual(['suspect', 'unreachable'])
  })

  test('that is forgotten is judged no more', () => {
    monitor.forget(node)
    monitor.beat(node, now)
    expect(silence(60_000)).toEqual([])
    expect([monitor.size, monitor.healthOf(node), monitor.phiOf(node, now)]).toEqual([0, undefined, undefined])
  })
})

describe('a node', () => {
  test('that never beat after it connected is noticed as well', () => {
    expect(silence(60_000).map(({ health }) => health)).toEqual(['suspect', 'unreachable', 'lost'])
  })

  test('told to beat slower is not late for it', () => {
    beatFor(120_000)
    monitor.watch(node, 20_000, now)
    expect(silence(45_000)).toEqual([])
  })

  test('with a restless rhythm is given more time', () => {
    for (let i = 0; i < 40; i++) {
      now += i % 2 === 0 ? 100 : 5_900
      monitor.beat(node, now)
      monitor.check(now)
    }
    expect(silence(8_000)).toEqual([])
  })

  test('heard late or out of order does not turn time back', () => {
    beatFor(60_000)
    monitor.beat(node, now - 10_000)
    expect(monitor.phiOf(node, now)).toBeLessThan(1)
  })
})

describe('a control plane that stood still', () => {
  beforeEach(() => beatFor(60_000))

  test('declares nobody dead for it', () => {
    now += 120_000
    expect(monitor.check(now, 120_000 - 1_000)).toEqual([])
    expect(monitor.healthOf(node)).toBe('online')
  })

  test('reads the heartbeats that waited, and goes on as before', () => {
    now += 30_000
    monitor.check(now, 29_900)
    for (let i = 0; i < 14; i++) monitor.beat(node, now)
    beatFor(10_000)
    expect(silence(20_000).map(({ health }) => health)).toEqual(['suspect', 'unreachable', 'lost'])
  })

  test('notices a node that died meanwhile after the usual time', () => {
    now += 30_000
    monitor.check(now, 30_000)
    expect(silence(8_000).map(({ health }) => health)).toEqual(['suspect', 'unreachable'])
  })

  test('owes no time to a heartbeat that was read after the standstill', () => {
    now += 30_000
    monitor.beat(node, now)
    monitor.check(now, 30_000)
    expect(silence(8_000).map(({ health }) => health)).toEqual(['suspect', 'unreachable'])
  })

  test('cannot claim more standstill than time has passed', () => {
    now += 6_000
    monitor.check(now - 5_900, 1_000_000)
    expect(monitor.check(now, 0).map(({ to }) => to)).toEqual(['suspect'])
  })
})

describe('heartbeats', () => {
  test('come so often that the fog as a whole keeps to its rate, within bounds', () => {
    const still: Rng = { next: () => 0, bytes: (length) => new Uint8Array(length) }
    const interval = (nodes: number) => heartbeatIntervalMs({ nodes, targetPerSecond: 500 }, still)
    expect([1, 1_000, 10_000, 1_000_000].map(interval)).toEqual([2_000, 2_000, 20_000, 60_000])
    expect(heartbeatIntervalMs({ nodes: 1, targetPerSecond: 1, minMs: 100, maxMs: 500 }, still)).toBe(500)
  })

  test('are spread by chance, up to a tenth later', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 5_000 }), fc.nat(), (nodes, targetPerSecond, seed) => {
        const interval = heartbeatIntervalMs({ nodes, targetPerSecond }, seededRng(seed))
        const fair = Math.min(60_000, Math.max(2_000, (nodes / targetPerSecond) * 1_000))
        expect(interval).toBeGreaterThanOrEqual(Math.round(fair))
        expect(interval).toBeLessThanOrEqual(Math.round(fair * 1.1))
      }),
    )
  })
})

test('in silence phi only grows, and health only gets worse', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 60 })
  const looks = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(gaps, looks, (gaps, looks) => {
      const monitor = new HealthMonitor()
      let at = 0
      monitor.watch(node, BEAT_MS, at)
      for (const gap of gaps) monitor.beat(node, (at += gap))
      const seen = looks.map((look) => {
        monitor.check((at += look))
        return { phi: monitor.phiOf(node, at)!, rank: ORDER.indexOf(monitor.healthOf(node)!) }
      })
      for (const [i, { phi, rank }] of seen.entries()) {
        expect(phi).toBeGreaterThanOrEqual(seen[i - 1]?.phi ?? 0)
        expect(rank).toBeGreaterThanOrEqual(seen[i - 1]?.rank ?? 0)
      }
    }),
  )
})

const ORDER = ['online', 'suspect', 'unreachable', 'lost'] as const

/** Beats on time, checked every second. */
function beatFor(ms: number): void {
  for (const end = now + ms; now < end;) {
    now += 1_000
    if (now % BEAT_MS === 0) monitor.beat(node, now)
    monitor.check(now)
  }
}

/** Looks every 100 ms; answers what changed, and how long after the silence began. */
function silence(ms: number) {
  const start = now
  const changes = []
  while (now < start + ms) {
    now += 100
    for (const { to } of monitor.check(now)) changes.push({ health: to, after: now - start })
  }
  return changes
}
