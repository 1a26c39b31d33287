import { ApiError, type TopologyView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { type Environment, eventually, type FogProcesses, message, type Running } from './fog-processes.ts'

/** Two mixes in each layer and three gateways: the least network in which one of each may fail. */
export const MIX_NAMES = ['mix-a', 'mix-b', 'mix-c', 'mix-d', 'mix-e', 'mix-f', 'gate-a', 'gate-b', 'gate-c'] as const

export interface MixProcess extends Running {
  readonly nodeId: string
  readonly admin: string
}

/** Settings of a node by its name: one thread, and no more packets than a test needs. */
export function mixSettings(name: string): Record<string, string> {
  return {
    FOG_MIX_ROLE: name.startsWith('gate') ? 'gateway' : 'mix',
    FOG_MIX_THREADS: '1',
    FOG_MIX_PACKETS_PER_SECOND: '500',
    FOG_MIX_DRAIN_SECONDS: '5',
  }
}

/** Starts a node and waits until it listens. */
export async function startMix(
  processes: FogProcesses,
  url: string,
  name: string,
  environment: Environment,
): Promise<MixProcess> {
  const running = processes.mix(url, name, { ...mixSettings(name), ...environment })
  const { nodeId, admin } = (await message(running, 'started')) as { nodeId: string; admin: string }
  return Object.assign(running, { nodeId, admin })
}

/** Waits until what the fog says of its mixnet holds. */
export function topologyWhen(fog: Fog, holds: (view: TopologyView) => boolean): Promise<TopologyView> {
  return eventually(
    async () => {
      // Asked more often than it may be, the fog says so: then it is asked again.
      const view = await fog.client.call('getMixTopology', {}).catch((fault: unknown) => {
        if (fault instanceof ApiError && fault.status === 429) return undefined
        throw fault
      })
      return view && holds(view) ? view : undefined
    },
    'the topology',
    180_000,
  )
}

/** Whether each layer has so many mixes, and there are so many gateways. */
export function isPlaced({ nodes }: TopologyView, { layers, gateways }: { layers: number; gateways: number }): boolean {
  const placed = (place: string) => nodes.filter((node) => String(node.place) === place).length
  return ['0', '1', '2'].every((layer) => placed(layer) >= layers) && placed('gateway') >= gateways
}
