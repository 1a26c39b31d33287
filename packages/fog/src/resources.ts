import { assert } from '@fog/kernel'
import type { Resources } from './node.ts'

export const NOTHING: Resources = { cpuMilli: 0, memoryBytes: 0, diskBytes: 0 }

export function addResources(a: Resources, b: Resources): Resources {
  return {
    cpuMilli: a.cpuMilli + b.cpuMilli,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    diskBytes: a.diskBytes + b.diskBytes,
  }
}

/** What is left of `a` without `b`. Never below nothing: more than there is cannot be taken back. */
export function subtractResources(a: Resources, b: Resources): Resources {
  assert(fits(b, a), 'more resources taken away than there were')
  return {
    cpuMilli: a.cpuMilli - b.cpuMilli,
    memoryBytes: a.memoryBytes - b.memoryBytes,
    diskBytes: a.diskBytes - b.diskBytes,
  }
}

/** Whether `wanted` goes into `room`, in each respect. */
export function fits(wanted: Resources, room: Resources): boolean {
  return (
    wanted.cpuMilli <= room.cpuMilli && wanted.memoryBytes <= room.memoryBytes && wanted.diskBytes <= room.diskBytes
  )
}

/** What is free for new work. Nothing where a device shrank below what it already holds. */
export function freeOf(capacity: Resources, reserved: Resources): Resources {
  return {
    cpuMilli: Math.max(0, capacity.cpuMilli - reserved.cpuMilli),
    memoryBytes: Math.max(0, capacity.memoryBytes - reserved.memoryBytes),
    diskBytes: Math.max(0, capacity.diskBytes - reserved.diskBytes),
  }
}

/** A capacity of which tasks may use `cpuShare` percent of each core; memory and disk are not shared by time. */
export function scaleByCpuShare(capacity: Resources, cpuShare: number): Resources {
  assert(cpuShare >= 0 && cpuShare <= 100, 'a share of the CPU is 0 to 100 percent')
  return { ...capacity, cpuMilli: Math.floor((capacity.cpuMilli * cpuShare) / 100) }
}

export function sameResources(a: Resources, b: Resources): boolean {
  return a.cpuMilli === b.cpuMilli && a.memoryBytes === b.memoryBytes && a.diskBytes === b.diskBytes
}

/** The fullest of the three, 0 to 1; 1 where there is no room at all. */
export function loadOf(capacity: Resources, free: Resources): number {
  return Math.max(
    shareTaken(capacity.cpuMilli, free.cpuMilli),
    shareTaken(capacity.memoryBytes, free.memoryBytes),
    shareTaken(capacity.diskBytes, free.diskBytes),
  )
}

function shareTaken(capacity: number, free: number): number {
  if (capacity <= 0) return 1
  return Math.min(1, Math.max(0, 1 - free / capacity))
}
