import type { DeviceFacts } from './device.ts'
import type { HarvestPolicy } from './policy.ts'

/** What a device offers: the most that all tasks on it may take together. */
export interface Capacity {
  readonly cores: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly maxTasks: number
}

/** A task below this is not worth a process of its own. */
const LEAST_TASK_BYTES = 64 * 1024 * 1024

/** What the owner's policy leaves of a device. At least one task, however small the device. */
export function capacityOf(device: DeviceFacts, policy: HarvestPolicy, freeDiskBytes: number): Capacity {
  const memoryBytes = Math.floor(Math.min(policy.memoryCapBytes, device.memoryBytes * policy.memoryShare))
  const cores = Math.max(1, Math.floor(device.cores * policy.cpuShare))
  const byMemory = Math.max(1, Math.floor(memoryBytes / LEAST_TASK_BYTES))
  return {
    cores,
    memoryBytes,
    diskBytes: Math.floor(Math.max(0, freeDiskBytes) * policy.diskShare),
    maxTasks: Math.min(policy.maxTasks, byMemory),
  }
}
