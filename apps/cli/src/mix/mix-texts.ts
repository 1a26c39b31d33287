import type { TopologyNodeView, TopologyView } from '@fog/contract'
import { type Colours } from '../show/colours.ts'
import { factsText, tableText } from '../show/table.ts'
import { agoText, bytesText, count, durationText, grouped, plainText, shortNumber } from '../show/words.ts'
import type { LocalMix } from './local-mix.ts'

/** The mixnet, as text. */

const NODE_CHARS = 12

export function shortNode(nodeId: string): string {
  return nodeId.slice(0, NODE_CHARS)
}

export function localMixText(mix: LocalMix, now: number, colours: Colours): string {
  const { counts, drops, loops, times, trouble } = mix
  const dropped = Object.entries(drops).filter(([, packets]) => packets > 0)
  const facts = [
    ['Node', `${colours.bold(mix.nodeId)}  ${mix.role} of ${plainText(mix.operator)}`],
    [
      'State',
      `${mix.state} for ${durationText(now - mix.startedAt)} on ${count(mix.ports.length, 'port')}: ${mix.ports.join(', ')}`,
    ],
    ['Trouble', trouble === undefined ? undefined : colours.red(plainText(trouble))],
    ['Directory', mix.directory.why === undefined ? undefined : colours.red(plainText(mix.directory.why))],
    ['Clock', clockText(mix.clockAheadMs)],
    ['Network', `${mix.network.fingerprint}  at ${mix.network.urls.map(plainText).join(', ')}`],
    [
      'Epoch',
      mix.epoch === undefined
        ? 'no consensus yet'
        : `${mix.epoch}, ${placeText(mix.place)}, one of ${count(mix.nodes, 'node')}`,
    ],
    ['Weight', mix.weight === undefined ? undefined : grouped(mix.weight)],
    [
      'Packets',
      `${grouped(counts['received'] ?? 0)} received, ${grouped(counts['sent'] ?? 0)} sent on, ${grouped(counts['held'] ?? 0)} waiting for their time`,
    ],
    [
      'Dropped',
      dropped.length === 0 ? 'none' : dropped.map(([reason, packets]) => `${grouped(packets)} ${reason}`).join(', '),
    ],
    ['Loops', `${grouped(loops.sent)} sent, ${grouped(loops.returned)} back, ${grouped(loops.lost)} lost`],
    ...(['queueing', 'service', 'slack'] as const).map((time) => [nameOf(time), quantilesText(times[time])] as const),
    [
      'Links',
      `${counts['linksIn'] ?? 0} in, ${counts['linksOut'] ?? 0} out, ${count(mix.clients, 'client')}, ${count(mix.waiting, 'delivery').replace('deliverys', 'deliveries')} waiting`,
    ],
    ['Uses', `${shortNumber(mix.cpuSeconds)} s of processor time, ${bytesText(mix.memoryBytes)} of memory`],
    ['Told', `descriptor up to epoch ${mix.published ?? '-'}, report up to epoch ${mix.reported ?? '-'}`],
  ] as const
  return factsText(facts, colours)
}

/** Undefined where there is nothing to see to. */
function clockText(aheadMs: number): string | undefined {
  if (aheadMs === 0) return undefined
  return `${durationText(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} the directory's`
}

function nameOf(time: string): string {
  return time.charAt(0).toUpperCase() + time.slice(1)
}

function quantilesText({ count: samples, p50, p99, p999 }: LocalMix['times']['slack']): string | undefined {
  if (samples === 0 || p50 === undefined) return undefined
  return `${shortNumber(p50)} ms in the middle, ${shortNumber(p99 ?? p50)} ms at 99 %, ${shortNumber(p999 ?? p50)} ms at 99.9 %`
}

function placeText(place: string | undefined): string {
  if (place === undefined) return 'not listed'
  return /^\d$/.test(place) ? `layer ${place}` : place
}

/** What a peer says of the network beside what it was asked for; undefined for a line of another kind. */
export function peerNoteText(line: { readonly type: string; readonly [fact: string]: unknown }): string | undefined {
  switch (line.type) {
    case 'network.late':
    case 'network.stopped':
      return plainText(String(line['why']))
    case 'network.recovered':
      return 'There are consensuses again.'
    case 'clock.off':
      return `This machine's clock is ${clockText(Number(line['aheadMs'])) ?? 'not the directory’s'}: messages may not get through.`
    case 'node.suspected': {
      const what = { losing: 'loses packets', blocking: 'holds nearly all packets back', delaying: 'delays packets' }
      const does = what[String(line['standing']) as keyof typeof what] ?? 'is suspected'
      const then = line['isAvoided'] === true ? ', and is left out of paths for a while' : ''
      return `Node ${String(line['nodeId']).slice(0, 8)} ${does}, as loops through it show${then}.`
    }
    case 'node.cleared':
      return `Node ${String(line['nodeId']).slice(0, 8)} is suspected no more.`
    default:
      return undefined
  }
}

export function topologyText(view: TopologyView, now: number, colours: Colours): string {
  if (view.epoch === 0)
    return 'The mixnet has no consensus yet: its first comes half an epoch after the directory was opened.'
  const head = `Epoch ${view.epoch}, ${view.freshUntil === undefined ? '' : `until ${agoText(view.freshUntil, now)}, `}signed by ${view.signatures} of at least ${view.threshold}: ${count(view.nodes.length, 'node')}`
  const columns = [
    { title: 'NODE' },
    { title: 'NAME' },
    { title: 'OPERATOR' },
    { title: 'PLACE' },
    { title: 'WEIGHT', align: 'right' },
    { title: 'FAULTS', align: 'right' },
    { title: 'REVEAL' },
    { title: 'RECEIVED/S', align: 'right' },
    { title: 'DROPPED', align: 'right' },
    { title: 'LOOPS LOST', align: 'right' },
  ] as const
  const rows = view.nodes.toSorted((a, b) => placeOrder(a) - placeOrder(b)).map((node) => rowOf(node, colours))
  return `${head}\n${rows.length === 0 ? 'It lists no node. Start one with `fog mix run`.' : tableText(columns, rows, colours)}`
}

function placeOrder({ place }: TopologyNodeView): number {
  return typeof place === 'number' ? 1 + place : { gateway: 0, reserve: 4, waiting: 5 }[place]
}

function rowOf(node: TopologyNodeView, colours: Colours): readonly string[] {
  const { reported } = node
  return [
    shortNode(node.identityKey),
    `${plainText(node.name ?? '')}${node.mine ? '' : colours.dim(' (not yours)')}`,
    plainText(node.operator),
    placeText(String(node.place)),
    grouped(node.weight),
    node.faults === 0 ? '0' : colours.red(String(node.faults)),
    node.reveal === 'wrong' || node.reveal === 'missing' ? colours.red(node.reveal) : node.reveal,
    reported ? shortNumber(reported.receivedPerSecond) : '-',
    reported ? grouped(reported.dropped) : '-',
    reported ? `${reported.loopsLost}/${reported.loopsSent}` : '-',
  ]
}

/** What `audit` of the program says, as far as it is shown. */
export interface AuditView {
  readonly fingerprint: string
  readonly nodes: readonly {
    readonly nodeId: string
    readonly operator: string
    readonly place: string
    readonly weight: number
    readonly faults: number
    readonly reveals: Readonly<Record<'valid' | 'missing' | 'wrong' | 'unlisted', number>>
    readonly histograms: Readonly<Record<'fits' | 'late' | 'early' | 'slow' | 'disowned' | 'missing', number>>
    readonly probes?: {
      readonly verdict: string
      readonly packets: number
      readonly errorMs?: { readonly median: number }
    }
  }[]
  readonly checked: readonly string[]
  readonly faults: readonly string[]
  readonly unknown: readonly string[]
}

export function auditText(audit: AuditView, colours: Colours): string {
  const columns = [
    { title: 'NODE' },
    { title: 'OPERATOR' },
    { title: 'PLACE' },
    { title: 'FAULTS', align: 'right' },
    { title: 'REVEALS' },
    { title: 'DELAYS SHOWN' },
    { title: 'PROBES' },
  ] as const
  const rows = audit.nodes.map(({ nodeId, operator, place, faults, reveals, histograms, probes }) => [
    shortNode(nodeId),
    plainText(operator),
    placeText(place),
    String(faults),
    countsText(reveals),
    countsText(histograms),
    probes
      ? `${probes.verdict}, ${probes.packets} sent${probes.errorMs ? `, ${shortNumber(probes.errorMs.median)} ms off` : ''}`
      : '-',
  ])
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [colours.bold(title), ...lines.map((line) => `  ${plainText(line)}`)]
  return [
    `Network ${audit.fingerprint}`,
    ...(rows.length === 0 ? [] : [tableText(columns, rows, colours)]),
    ...list('Checked', audit.checked),
    ...list('Unknown', audit.unknown),
    ...(audit.faults.length === 0 ? [colours.bold('Nothing wrong was found.')] : list('Wrong', audit.faults)),
  ].join('\n')
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, times]) => times > 0)
  return some.length === 0 ? '-' : some.map(([state, times]) => `${times} ${state}`).join(', ')
}
