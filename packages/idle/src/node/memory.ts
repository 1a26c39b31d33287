import { freemem, totalmem } from 'node:os'
import { known, type Reading, unknown } from '../signals.ts'
import { type Machine, readNumber, readText } from './machine.ts'

/** What share of memory could still be had without swapping; of a container's own limit when that is nearer. */
export function readMemoryFree(machine: Machine): Reading<number> {
  if (machine.platform === 'darwin') return unknown('macOS keeps free memory full of what it could give up')
  if (machine.platform !== 'linux') return known(freemem() / totalmem(), 'the system')
  const system = systemFree(machine)
  const group = groupFree(machine)
  if (group !== undefined && (system === undefined || group < system)) return known(group, 'the limit of our cgroup')
  return system === undefined ? unknown('/proc/meminfo does not say') : known(system, '/proc/meminfo')
}

function systemFree({ proc }: Machine): number | undefined {
  const text = readText(proc, 'meminfo') ?? ''
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN)
  const share = kib('MemAvailable') / kib('MemTotal')
  return Number.isFinite(share) ? share : undefined
}

/** Of a version 2 cgroup. Files that could be dropped count as free, as they do for MemAvailable. */
function groupFree({ sys }: Machine): number | undefined {
  const limit = readNumber(sys, 'fs/cgroup/memory.max')
  const current = readNumber(sys, 'fs/cgroup/memory.current')
  if (!limit || current === undefined) return undefined
  const droppable = Number(/^inactive_file (\d+)$/m.exec(readText(sys, 'fs/cgroup/memory.stat') ?? '')?.[1] ?? 0)
  return Math.min(1, Math.max(0, (limit - current + droppable) / limit))
}
