import { type Count, COUNTS, type DropReason, Histogram, TIMES, type Time } from '@fog/betanet'
import type { MixStatus } from '@fog/betanet/node'

export interface Quantiles {
  readonly count: number
  /** Milliseconds, right to about 6 %; undefined where nothing was measured. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly p999: number | undefined
}

/** How a node stands, as its operator is shown it: figures over all packets, never of one, and no peer. */
export interface MixStatusView {
  readonly nodeId: string
  readonly role: string
  readonly operator: string
  readonly state: 'running' | 'draining'
  readonly startedAt: number
  readonly ports: readonly number[]
  readonly network: { readonly name: string; readonly fingerprint: string; readonly urls: readonly string[] }
  readonly directory: MixStatus['directory']
  /** Epochs whose packets it takes now. */
  readonly served: readonly number[]
  /** At least so far is this machine's clock ahead of the directory's, in milliseconds; negative when it is behind. */
  readonly clockAheadMs: number
  readonly epoch: number | undefined
  /** 0, 1 or 2 for a layer, gateway, reserve, waiting; undefined while the consensus does not list it. */
  readonly place: string | undefined
  readonly weight: number | undefined
  readonly nodes: number
  readonly clients: number
  readonly waiting: number
  readonly loops: MixStatus['loops']
  readonly counts: Readonly<Record<Count, number>>
  readonly drops: Readonly<Record<DropReason, number>>
  readonly times: Readonly<Record<Time, Quantiles>>
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** The newest epoch whose descriptor the directory took, and whose report. */
  readonly published: number | undefined
  readonly reported: number | undefined
  /** What keeps it from taking part, if anything does. */
  readonly trouble: string | undefined
}

export function quantilesOf(counts: Float64Array): Quantiles {
  const histogram = new Histogram(counts)
  const at = (share: number) => {
    const microseconds = histogram.quantile(share)
    return microseconds === undefined ? undefined : microseconds / 1000
  }
  return { count: histogram.total, p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}

export function timesOf({ figures }: MixStatus): MixStatusView['times'] {
  return Object.fromEntries(TIMES.map((time) => [time, quantilesOf(figures.times[time])])) as MixStatusView['times']
}

const COUNTERS: Readonly<Partial<Record<Count, readonly [name: string, help: string]>>> = {
  received: ['fog_mix_packets_received_total', 'Packets taken from links'],
  forwarded: ['fog_mix_packets_forwarded_total', 'Packets unwrapped and put to wait for their time'],
  sent: ['fog_mix_packets_sent_total', 'Packets handed to the next hop'],
  delivered: ['fog_mix_packets_delivered_total', 'Packets at their last hop'],
  cover: ['fog_mix_packets_cover_total', 'Packets at their last hop that were cover'],
  bytesIn: ['fog_mix_received_bytes_total', 'Bytes read from links'],
  bytesOut: ['fog_mix_sent_bytes_total', 'Bytes written to links'],
}
const QUANTILES = { p50: '0.5', p99: '0.99', p999: '0.999' } as const
const TIME_HELP: Readonly<Record<Time, string>> = {
  queueing: 'From bytes read to their packet begun',
  service: 'The work on a packet itself',
  slack: 'How long past its time a packet left',
}

/** The same as text for Prometheus. */
export function metricsText(view: MixStatusView): string {
  const lines: string[] = []
  const metric = (
    name: string,
    type: string,
    help: string,
    samples: readonly (readonly [labels: string, value: number | undefined])[],
  ) => {
    const known = samples.filter(([, value]) => value !== undefined)
    if (known.length === 0) return
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const [labels, value] of known) lines.push(`${name}${labels} ${value}`)
  }
  for (const count of COUNTS) {
    const [name, help] = COUNTERS[count] ?? []
    if (name !== undefined && help !== undefined) metric(name, 'counter', help, [['', view.counts[count]]])
  }
  const drops = Object.entries(view.drops).map(([reason, value]) => [`{reason="${reason}"}`, value] as const)
  metric('fog_mix_packets_dropped_total', 'counter', 'Packets dropped, by reason', drops)
  metric('fog_mix_packets_held', 'gauge', 'Packets that wait for their time', [['', view.counts.held]])
  metric('fog_mix_links', 'gauge', 'Open links', [
    ['{direction="in"}', view.counts.linksIn],
    ['{direction="out"}', view.counts.linksOut],
  ])
  metric('fog_mix_clients', 'gauge', 'Clients with a link to this gateway', [['', view.clients]])
  metric('fog_mix_deliveries_waiting', 'gauge', 'Payloads that wait to be taken by clients', [['', view.waiting]])
  const loops = Object.entries(view.loops).map(([outcome, value]) => [`{outcome="${outcome}"}`, value] as const)
  metric('fog_mix_loops_total', 'counter', "The node's own loops through the network", loops)
  for (const time of TIMES) {
    const quantiles = Object.entries(QUANTILES).map(([key, quantile]) => {
      const milliseconds = view.times[time][key as keyof typeof QUANTILES]
      return [`{quantile="${quantile}"}`, milliseconds === undefined ? undefined : milliseconds / 1000] as const
    })
    metric(`fog_mix_${time}_seconds`, 'gauge', `${TIME_HELP[time]}, quantiles since the start`, quantiles)
  }
  metric('fog_mix_thread_cpu_seconds_total', 'counter', 'Processor time of the threads that serve packets', [
    ['', view.counts.cpuMicroseconds / 1e6],
  ])
  metric('fog_mix_cpu_seconds_total', 'counter', 'Processor time of the whole process', [['', view.cpuSeconds]])
  metric('fog_mix_resident_memory_bytes', 'gauge', 'Memory of the process', [['', view.memoryBytes]])
  metric('fog_mix_consensus_late', 'gauge', 'Whether the consensus of the epoch is missing', [
    ['', view.directory.state === 'current' ? 0 : 1],
  ])
  metric('fog_mix_clock_ahead_seconds', 'gauge', "How far this clock is ahead of the directory's, at least", [
    ['', view.clockAheadMs / 1000],
  ])
  metric('fog_mix_epoch', 'gauge', 'Epoch of the consensus in force', [['', view.epoch]])
  metric('fog_mix_weight', 'gauge', 'Weight of this node in the lottery', [['', view.weight]])
  metric('fog_mix_network_nodes', 'gauge', 'Nodes in the consensus in force', [['', view.nodes]])
  return `${lines.join('\n')}\n`
}
