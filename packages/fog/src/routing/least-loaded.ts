import { loadOf } from '../resources.ts'
import type { RouteCandidate, RouteRequest, Strategy } from './strategy.ts'

/** The node that is least full once it has the task: the fullest of its CPU, memory and disk counts. */
export const leastLoaded: Strategy = {
  cost: loadWith,
  amongEquals: 'least_loaded',
  reason: (candidate, request) => `${percent(loadWith(candidate, request))} full with this task`,
}

/** How full the node is with the task on it, 0 to 1. */
export function loadWith({ capacity, free }: RouteCandidate, { wants }: RouteRequest): number {
  return loadOf(capacity, {
    cpuMilli: free.cpuMilli - wants.cpuMilli,
    memoryBytes: free.memoryBytes - wants.memoryBytes,
    diskBytes: free.diskBytes - wants.diskBytes,
  })
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
