import type { NodeView } from '@fog/contract'
import { type Colours, paintState } from './colours.ts'
import { factsText, tableText } from './table.ts'
import { agoText, bytesText, count, plainText, shortId, shortNumber } from './words.ts'

/** Nodes, as text. */

export function nodesText(nodes: readonly NodeView[], now: number, colours: Colours): string {
  const columns = [
    { title: 'NODE' },
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'RUNNING', align: 'right' },
    { title: 'CORES', align: 'right' },
    { title: 'MEMORY', align: 'right' },
    { title: 'TRUST', align: 'right' },
    { title: 'SEEN' },
    { title: 'WHY' },
  ] as const
  const rows = nodes.map((node) => [
    shortId(node.nodeId),
    `${plainText(node.name)}${node.mine ? '' : colours.dim(' (not yours)')}`,
    paintState(node.state, colours),
    String(node.running),
    usedText(node.reserved.cores, node.capacity.cores, shortNumber),
    usedText(node.reserved.memoryBytes, node.capacity.memoryBytes, bytesText),
    String(node.trust),
    agoText(node.lastSeenAt, now),
    plainText(node.reasons[0] ?? ''),
  ])
  return tableText(columns, rows, colours)
}

export function nodeFactsText(node: NodeView, now: number, colours: Colours): string {
  const { device } = node
  const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${plainText(value)}`)
  const facts = [
    ['Node', `${colours.bold(plainText(node.name))}  ${node.nodeId}`],
    ['State', `${paintState(node.state, colours)}, seen ${agoText(node.lastSeenAt, now)}`],
    ['Why', node.reasons.length === 0 ? undefined : node.reasons.map(plainText).join('; ')],
    [
      'Device',
      `${plainText(device.os)} ${plainText(device.arch)}, ${plainText(device.cpuModel ?? 'unknown processor')}`,
    ],
    ['Has', `${count(device.cores, 'core')}, ${bytesText(device.memoryBytes)} of memory`],
    ['Lends', capacityText(node.capacity)],
    ['Reserved', `${capacityText(node.reserved)}, ${count(node.running, 'task')}`],
    ['Reached', node.reach === 'mixnet' ? 'through the mixnet, so it takes secret jobs' : undefined],
    ['Runs', device.kinds.join(', ')],
    ['Labels', labels.length === 0 ? undefined : labels.join(', ')],
    ['Trust', `${node.trust} of 1000`],
    ['Round trip', node.latencyMs === undefined ? undefined : `${shortNumber(node.latencyMs)} ms`],
    ['Enrolled', agoText(node.enrolledAt, now)],
    ['Owner', `${node.ownerId}${node.mine ? ' (you)' : ''}`],
  ] as const
  return factsText(facts, colours)
}

function capacityText({ cores, memoryBytes, diskBytes }: NodeView['capacity']): string {
  return `${count(cores, 'core')}, ${bytesText(memoryBytes)} of memory, ${bytesText(diskBytes)} of disk`
}

function usedText(used: number, of: number, text: (value: number) => string): string {
  return `${text(used)}/${text(of)}`
}
