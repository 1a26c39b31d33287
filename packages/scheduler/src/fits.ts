import type { JobSpec } from './job.ts'
import type { NodeView, Room } from './node-view.ts'

/** Whether all of `wants` fits into `has`. */
export function fitsInto(wants: Room, has: Room): boolean {
  return wants.cpuMilli <= has.cpuMilli && wants.memoryBytes <= has.memoryBytes && wants.diskBytes <= has.diskBytes
}

/** Whether the node is of the sort the job asks for, whatever it is doing now. */
export function isSuitable(spec: JobSpec, node: NodeView): boolean {
  return (
    node.kinds.includes(spec.kind) && hasLabels(spec.require, node.labels) && (node.circuits || !needsCircuits(spec))
  )
}

export function hasLabels(wanted: JobSpec['require'], labels: NodeView['labels']): boolean {
  for (const name in wanted) if (labels[name] !== wanted[name]) return false
  return true
}

/** Every level above `public` and every privacy-aware job travels through circuits. */
export function needsCircuits({ privacy, routing }: Pick<JobSpec, 'privacy' | 'routing'>): boolean {
  return privacy !== 'public' || routing === 'privacy_aware'
}

/** Whether a node's round trip is known to be within the cap. */
export function isWithin(capMs: number | undefined, { latencyMs }: Pick<NodeView, 'latencyMs'>): boolean {
  return capMs === undefined || (latencyMs !== undefined && latencyMs <= capMs)
}
