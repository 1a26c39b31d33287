import { statfsSync } from 'node:fs'
import type { WorkerMessage } from '@fog/contract'
import { capacityOf, type DeviceFacts, type HarvestPolicy, presetPolicy } from '@fog/idle'
import type { Room } from './attempts.ts'
import type { Config } from './config.ts'

/** What this device lends: the lender's settings over what the policy would give. */
export interface DeviceOffer {
  readonly policy: HarvestPolicy
  readonly room: Room
  readonly device: Extract<WorkerMessage, { type: 'hello' }>['device']
}

/** Tasks may ask for less than a core, so more of them than cores may run at once. */
const TASKS_PER_CORE = 4
/**
 * Of the memory lent, what holds tasks' files: they lie in memory, so the disk that tasks are offered comes out of it.
 * A task asks for twice as much disk as memory unless it says; most use little of it.
 */
const FILES_SHARE = 1 / 2

export function offerOf(
  { policy: name, offer, folder, evictAfterMs }: Config,
  facts: DeviceFacts,
  agentVersion: string,
): DeviceOffer {
  const preset = presetPolicy(name, facts)
  const cores = Math.min(offer.cores ?? Math.max(1, Math.floor(facts.cores * preset.cpuShare)), facts.cores)
  const maxTasks = offer.maxTasks ?? cores * TASKS_PER_CORE
  const policy: HarvestPolicy = {
    ...preset,
    cpuShare: cores / facts.cores,
    maxTasks,
    evictAfterMs: evictAfterMs ?? preset.evictAfterMs,
  }
  const { bavail, bsize } = statfsSync(folder)
  const given = capacityOf(facts, policy, bavail * bsize)
  const diskBytes = offer.diskBytes ?? Math.min(given.diskBytes, Math.floor(given.memoryBytes * FILES_SHARE))
  const memoryBytes = Math.min(offer.memoryBytes ?? given.memoryBytes - diskBytes, facts.memoryBytes)
  return {
    policy: { ...policy, maxTasks: Math.min(maxTasks, given.maxTasks) },
    room: { cpuMilli: cores * 1000, memoryBytes, diskBytes },
    device: {
      os: `${facts.os} ${facts.osRelease}`.slice(0, 40),
      arch: facts.arch,
      cores: facts.cores,
      memoryBytes: facts.memoryBytes,
      cpuModel: facts.processor.slice(0, 200),
      kinds: ['wasm'],
      agentVersion,
    },
  }
}
