import { type FogNode, offerOf, slotsOf, stateOf, takesWork } from '@fog/fog'
import type { NodeView } from '@fog/scheduler'
import type { Stores } from '../ports.ts'

/** A snapshot is read in pages of this many nodes. */
const PAGE = 1000

/** Every node that is not retired. */
export async function allNodes(nodes: Stores['nodes']): Promise<FogNode[]> {
  const found: FogNode[] = []
  for (;;) {
    const page = await nodes.list({ after: found.at(-1)?.nodeId, limit: PAGE })
    found.push(...page)
    if (page.length < PAGE) return found
  }
}

/** Whether a node works and can be told of new work, full or not. */
export function isOpen(node: FogNode): boolean {
  const state = stateOf(node)
  return (state === 'online' || state === 'throttled') && node.gatewayId !== undefined
}

/** A node as the scheduler sees it. `warm` are the programs it ran lately. */
export function nodeView(node: FogNode, warm = NONE): NodeView {
  const { nodeId, ownerId, name, capacity, device, labels, trust, latencyMs, reach } = node
  return {
    nodeId,
    ownerId,
    name,
    kinds: device.kinds,
    capacity,
    free: offerOf(node),
    slots: slotsOf(node),
    latencyMs,
    labels,
    warm,
    trust,
    circuits: false,
    reach,
    closed: takesWork(node) ? undefined : closedReason(node),
  }
}

const NONE: ReadonlySet<string> = new Set<string>()

function closedReason({ duty, health, harvest }: FogNode): string {
  if (duty !== 'active') return `${duty} by its operator`
  if (health !== 'online') return `${health}: it was not heard of lately`
  return `${harvest.mode === 'off' ? 'switched off' : 'suspended'} by its owner: ${harvest.reasons[0] ?? 'no reason given'}`
}
