import { Counter, Gauge, type Registry } from 'prom-client'
import type { Consensus } from '@fog/betanet/directory'
import { ProbeMetrics } from './prober/probe-metrics.ts'

/** Figures of the mixnet's directory. Each control plane counts what it did itself. */
export class MixnetMetrics {
  readonly probes = new ProbeMetrics()
  readonly #descriptors = counter('fog_mixnet_descriptors_total', 'Descriptors that came in, by outcome', ['outcome'])
  readonly #reports = counter('fog_mixnet_reports_total', 'Traffic reports that came in, by outcome', ['outcome'])
  readonly #messages = counter('fog_mixnet_messages_total', 'Messages between authorities, by direction and outcome', [
    'direction',
    'outcome',
  ])
  readonly #consensuses = counter('fog_mixnet_consensuses_total', 'Consensuses that were made or taken over', [])
  readonly #evidence = counter('fog_mixnet_evidence_total', 'Contradictions of one key found', ['kind'])
  readonly #epoch = gauge('fog_mixnet_consensus_epoch', 'Epoch of the newest consensus', [])
  readonly #nodes = gauge('fog_mixnet_nodes', 'Nodes of the newest consensus, by place', ['place'])
  readonly #weight = gauge('fog_mixnet_weight', 'Sum of the weights of the newest consensus, by place', ['place'])
  readonly #reported = gauge(
    'fog_mixnet_reported_packets_per_second',
    'Packets of the last epoch that nodes reported, as they counted them',
    ['count'],
  )

  /** Shows them with the others. */
  register(registry: Registry): void {
    const all = [
      this.#descriptors,
      this.#reports,
      this.#messages,
      this.#consensuses,
      this.#evidence,
      this.#epoch,
      this.#nodes,
      this.#weight,
      this.#reported,
    ]
    for (const metric of all) registry.registerMetric(metric)
    this.probes.register(registry)
  }

  descriptor(outcome: string): void {
    this.#descriptors.inc({ outcome })
  }

  report(outcome: string): void {
    this.#reports.inc({ outcome })
  }

  message(direction: 'in' | 'out', outcome: string, messages = 1): void {
    this.#messages.inc({ direction, outcome }, messages)
  }

  published(): void {
    this.#consensuses.inc()
  }

  evidence(kind: string): void {
    this.#evidence.inc({ kind })
  }

  consensus({ epoch, nodes }: Consensus): void {
    this.#epoch.set(epoch)
    this.#nodes.reset()
    this.#weight.reset()
    for (const { place, weight } of nodes) {
      this.#nodes.inc({ place: String(place) })
      this.#weight.inc({ place: String(place) }, weight)
    }
  }

  flow(figures: { readonly receivedPerSecond: number; readonly forwardedPerSecond: number }): void {
    this.#reported.set({ count: 'received' }, figures.receivedPerSecond)
    this.#reported.set({ count: 'forwarded' }, figures.forwardedPerSecond)
  }
}

// Registered later, by whoever shows them.
function counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
  return new Counter({ name, help, labelNames, registers: [] })
}

function gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
  return new Gauge({ name, help, labelNames, registers: [] })
}
