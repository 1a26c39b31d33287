import { arch, availableParallelism, cpus, hostname, platform, release, totalmem } from 'node:os'
import type { DeviceFacts } from '../device.ts'

/** The facts of this machine; in a container, of what the container may use. */
export function deviceFacts(): DeviceFacts {
  const limit = process.constrainedMemory()
  const total = totalmem()
  return {
    name: hostname(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: limit > 0 && limit < total ? limit : total,
    arch: arch(),
    os: platform(),
    osRelease: release(),
  }
}
