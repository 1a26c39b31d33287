import { assertNever } from '@fog/kernel'
import type { FogNode, NodeState, Resources } from './node.ts'
import { freeOf, scaleByCpuShare } from './resources.ts'

/**
 * The one word shown for a node. What is final comes first (retired, quarantined), then what is broken (lost,
 * unreachable, suspect), then what its operator asked of it (draining), then what its lender allows (suspended,
 * throttled).
 */
export function stateOf(node: Pick<FogNode, 'duty' | 'health' | 'harvest'>): NodeState {
  if (node.duty === 'retired' || node.duty === 'quarantined') return node.duty
  if (node.health !== 'online') return node.health
  if (node.duty === 'draining') return 'draining'
  return harvestState(node)
}

function harvestState({ harvest }: Pick<FogNode, 'harvest'>): NodeState {
  switch (harvest.mode) {
    case 'run':
      return 'online'
    case 'throttle':
      return 'throttled'
    case 'suspend':
    case 'evict':
    case 'off':
      return 'suspended'
    default:
      return assertNever(harvest.mode)
  }
}

/** Whether new work may be placed on it: connected, healthy, on duty, allowed by its lender, and not full by count. */
export function takesWork(node: FogNode): boolean {
  const state = stateOf(node)
  return (state === 'online' || state === 'throttled') && node.gatewayId !== undefined && slotsOf(node) > 0
}

/** How many more tasks its lender's policy lets it take. */
export function slotsOf({ harvest, reservations }: Pick<FogNode, 'harvest' | 'reservations'>): number {
  return Math.max(0, harvest.maxTasks - reservations)
}

/** What it offers to new work: its capacity, the CPU cut to the share its lender allows, without what is reserved. */
export function offerOf({
  capacity,
  reserved,
  harvest,
}: Pick<FogNode, 'capacity' | 'reserved' | 'harvest'>): Resources {
  return freeOf(scaleByCpuShare(capacity, harvest.cpuShare), reserved)
}
