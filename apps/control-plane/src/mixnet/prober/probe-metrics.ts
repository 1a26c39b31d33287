import { Counter, Histogram, type Registry } from 'prom-client'
import type { LoopOutcome } from './estimate-losses.ts'

/** Seconds: from the default delays to loops that are given up. */
const BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]

/** Figures of the loops by which the control plane that leads measures the mixnet's nodes. */
export class ProbeMetrics {
  readonly #probes = new Counter({
    name: 'fog_mixnet_probes_total',
    help: 'Loops sent to measure nodes, by outcome; void ones were under way when this control plane stood still or stopped',
    labelNames: ['outcome'],
    registers: [],
  })
  readonly #seconds = new Histogram({
    name: 'fog_mixnet_probe_seconds',
    help: 'From sent to back, of loops that came back',
    buckets: BUCKETS,
    registers: [],
  })

  register(registry: Registry): void {
    registry.registerMetric(this.#probes)
    registry.registerMetric(this.#seconds)
  }

  counted(outcome: 'sent' | 'void', loops: number): void {
    if (loops > 0) this.#probes.inc({ outcome }, loops)
  }

  /** A way of one hop is a gateway that did not let the control plane in. */
  came({ hops, tookMs }: LoopOutcome): void {
    if (tookMs !== undefined) this.#seconds.observe(tookMs / 1000)
    this.#probes.inc({ outcome: tookMs !== undefined ? 'returned' : hops.length === 1 ? 'unreachable' : 'lost' })
  }
}
