import { assertNever } from '@fog/kernel'
import type { Instant, NodeId, Rng } from '@fog/kernel'
import type { Health } from './node.ts'
import { IntervalWindow, phi } from './phi.ts'

export interface HealthOptions {
  /** From this phi on a node gets no new work. */
  readonly suspectPhi: number
  /** From this phi on its lease clock runs. */
  readonly unreachablePhi: number
  /** How long a node stays unreachable until it is lost. */
  readonly leaseClockMs: number
  /** Times between heartbeats that are remembered for each node. */
  readonly windowSize: number
  /** Heartbeats are taken to vary by at least this share of their mean, */
  readonly minDeviationShare: number
  /** and by at least this. */
  readonly minDeviationMs: number
}

/**
 * With half of the mean as the least deviation one lost heartbeat is forgiven (phi 1.6 at twice the mean), a node is
 * suspect after 2.5 times the mean and unreachable after 3.6: at the shortest interval of 2 s, after 5 s and 7.3 s.
 */
export const HEALTH_DEFAULTS: HealthOptions = {
  suspectPhi: 3,
  unreachablePhi: 8,
  leaseClockMs: 10_000,
  windowSize: 32,
  minDeviationShare: 0.5,
  minDeviationMs: 100,
}

export interface HealthTransition {
  readonly nodeId: NodeId
  readonly from: Health
  readonly to: Health
  readonly at: Instant
  /** How long it was silent, as a sentence people read. */
  readonly reason: string
}

/**
 * Judges nodes by their heartbeats. Holds no timer and reads no clock: it is told of each heartbeat, and asked.
 *
 * Silence is counted in time during which this process was listening: what its own event loop lagged is taken off, so
 * that a control plane which stood still does not declare others dead for it.
 */
export class HealthMonitor {
  readonly #options: HealthOptions
  readonly #pulses = new Map<NodeId, Pulse>()
  /** All the time this process stood still. */
  #stalledMs = 0
  #lastCheckAt: Instant | undefined

  constructor(options: Partial<HealthOptions> = {}) {
    this.#options = { ...HEALTH_DEFAULTS, ...options }
  }

  get size(): number {
    return this.#pulses.size
  }

  /** Begins to judge a node that just connected and was told to beat every `intervalMs`; or tells it a new interval. */
  watch(nodeId: NodeId, intervalMs: number, at: Instant): void {
    const pulse = this.#pulses.get(nodeId)
    if (pulse) {
      pulse.toldMs = intervalMs
      this.#hear(pulse, at)
      return
    }
    const intervals = new IntervalWindow(this.#options.windowSize)
    const heard = { lastBeatAt: at, stalledAtBeat: this.#stalledMs }
    this.#pulses.set(nodeId, { intervals, toldMs: intervalMs, health: 'online', unreachableFor: undefined, ...heard })
  }

  /** A heartbeat, or any other sign of life. One of a node that is not watched changes nothing. */
  beat(nodeId: NodeId, at: Instant): void {
    const pulse = this.#pulses.get(nodeId)
    if (pulse) this.#hear(pulse, at)
  }

  /** Stops judging a node. */
  forget(nodeId: NodeId): void {
    this.#pulses.delete(nodeId)
  }

  healthOf(nodeId: NodeId): Health | undefined {
    return this.#pulses.get(nodeId)?.health
  }

  /** How surprising the node's silence is; undefined when it is not watched. */
  phiOf(nodeId: NodeId, now: Instant): number | undefined {
    const pulse = this.#pulses.get(nodeId)
    return pulse && this.#phi(pulse, now)
  }

  /**
   * Judges every node and answers those whose health changed since the last time. `loopLagMs` is how much later than
   * meant this call comes, because the process was busy or suspended.
   */
  check(now: Instant, loopLagMs = 0): HealthTransition[] {
    // No more can have been missed than has passed since the last look.
    const passed = Math.max(0, now - (this.#lastCheckAt ?? now))
    this.#stalledMs += Math.min(Math.max(0, loopLagMs), passed)
    this.#lastCheckAt = now
    const transitions: HealthTransition[] = []
    for (const [nodeId, pulse] of this.#pulses) {
      // A heartbeat read after the standstill is not owed the time before it.
      pulse.stalledAtBeat = Math.max(pulse.stalledAtBeat, this.#stalledMs - Math.max(0, now - pulse.lastBeatAt))
      const to = this.#judge(pulse, now)
      if (to === pulse.health) continue
      const reason = reasonFor(to, this.#silence(pulse, now))
      transitions.push({ nodeId, from: pulse.health, to, at: now, reason })
      pulse.health = to
    }
    return transitions
  }

  #hear(pulse: Pulse, at: Instant): void {
    const interval = this.#silence(pulse, at)
    // Heartbeats that come late or out of order do not turn time back.
    if (interval < 0) return
    // An outage is not a rhythm: learning it would make the next one look normal.
    if (this.#phi(pulse, at) < this.#options.unreachablePhi) pulse.intervals.add(interval)
    pulse.lastBeatAt = at
    pulse.stalledAtBeat = this.#stalledMs
  }

  #judge(pulse: Pulse, now: Instant): Health {
    const silence = this.#silence(pulse, now)
    const surprise = this.#phi(pulse, now)
    if (surprise < this.#options.unreachablePhi) {
      pulse.unreachableFor = undefined
      return surprise < this.#options.suspectPhi ? 'online' : 'suspect'
    }
    pulse.unreachableFor ??= silence
    return silence - pulse.unreachableFor >= this.#options.leaseClockMs ? 'lost' : 'unreachable'
  }

  #phi(pulse: Pulse, now: Instant): number {
    const { minDeviationMs, minDeviationShare } = this.#options
    // The told interval counts at once: a node that beats slower because it was told to is not late.
    const meanMs = Math.max(pulse.toldMs, pulse.intervals.meanMs)
    const deviationMs = Math.max(pulse.intervals.deviationMs, meanMs * minDeviationShare, minDeviationMs)
    return phi(this.#silence(pulse, now), { meanMs, deviationMs })
  }

  /** Since the last heartbeat, as far as this process was listening. Negative before it. */
  #silence(pulse: Pulse, now: Instant): number {
    const passed = now - pulse.lastBeatAt
    return passed < 0 ? passed : passed - (this.#stalledMs - pulse.stalledAtBeat)
  }
}

/** What is known of one node's heartbeats. */
interface Pulse {
  readonly intervals: IntervalWindow
  toldMs: number
  lastBeatAt: Instant
  /** All the time this process had stood still when the last heartbeat came. */
  stalledAtBeat: number
  health: Health
  /** How long it had been silent when it became unreachable. */
  unreachableFor: number | undefined
}

function reasonFor(health: Health, silenceMs: number): string {
  const seconds = (silenceMs / 1_000).toFixed(1)
  switch (health) {
    case 'online':
      return 'it is heard again'
    case 'suspect':
    case 'unreachable':
      return `not heard for ${seconds} s`
    case 'lost':
      return `not heard for ${seconds} s, and its lease clock ran out`
    default:
      return assertNever(health)
  }
}

export interface HeartbeatWish {
  /** How many nodes beat. */
  readonly nodes: number
  /** How many heartbeats a second are wanted at most. */
  readonly targetPerSecond: number
  readonly minMs?: number | undefined
  readonly maxMs?: number | undefined
}

/**
 * How often a node is told to beat: nodes / target rate, within 2 s and 60 s unless said otherwise, and up to a tenth
 * more by chance, so that nodes which connected together do not beat together. Whole milliseconds.
 */
export function heartbeatIntervalMs(wish: HeartbeatWish, rng: Rng): number {
  const { nodes, targetPerSecond, minMs = 2_000, maxMs = 60_000 } = wish
  const fair = (nodes / targetPerSecond) * 1_000
  const interval = Math.min(maxMs, Math.max(minMs, fair))
  return Math.round(interval * (1 + rng.next() / 10))
}
