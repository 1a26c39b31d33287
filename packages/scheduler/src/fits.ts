import type { JobSpec } from './job.ts'
import type { NodeView, Room } from './node-view.ts'

/** Whether all of `wants` fits into `has`. */
export function fitsInto(wants: Room, has: Room): boolean {
  return wants.cpuMilli <= has.cpuMilli && wants.memoryBytes <= has.memoryBytes && wants.diskBytes <= has.diskBytes
}

/** Whether the node is of the sort the job asks for, whatever it is doing now. */
export function isSuitable(spec: JobSpec, node: NodeView): boolean {
  return (
    node.kinds.includes(spec.kind) &&
    hasLabels(spec.require, node.labels) &&
    !isAvoided(spec, node) &&
    isResident(spec, node) &&
    isHiddenFor(spec, node)
  )
}

/** Whether the node has a label the job keeps away from. */
export function isAvoided({ avoid }: Pick<JobSpec, 'avoid'>, { labels }: Pick<NodeView, 'labels'>): boolean {
  for (const name in avoid) if (labels[name] === avoid[name]) return true
  return false
}

/** Whether the job's data may be where the node says it stands; a node that says nothing is nowhere. */
export function isResident({ residency }: Pick<JobSpec, 'residency'>, node: Pick<NodeView, 'labels'>): boolean {
  if (!residency) return true
  const place = residencyOf(node)
  return place !== undefined && residency.includes(place)
}

/** Where data on the node is: its label `residency`, or else `region`. */
export function residencyOf({ labels }: Pick<NodeView, 'labels'>): string | undefined {
  return labels['residency'] ?? labels['region']
}

/** How many of the labels that the job prefers the node has. */
export function preference({ prefer }: Pick<JobSpec, 'prefer'>, { labels }: Pick<NodeView, 'labels'>): number {
  let count = 0
  for (const name in prefer) if (labels[name] === prefer[name]) count += 1
  return count
}

export function hasLabels(wanted: JobSpec['require'], labels: NodeView['labels']): boolean {
  for (const name in wanted) if (labels[name] !== wanted[name]) return false
  return true
}

/** What a job wants its nodes reached through; undefined where any way will do. */
export function coverOf({ privacy, routing }: Pick<JobSpec, 'privacy' | 'routing'>): Cover | undefined {
  if (privacy === 'secret') return 'mixnet'
  if (privacy !== 'public') return 'circuits'
  return routing === 'privacy_aware' ? 'any' : undefined
}

/** `any`: the mixnet or circuits. */
export type Cover = 'mixnet' | 'circuits' | 'any'

/** What a job wants its nodes reached through, as people read it. */
export function coverText(spec: Pick<JobSpec, 'privacy' | 'routing'>): string {
  return { mixnet: 'the mixnet', circuits: 'circuits', any: 'the mixnet' }[coverOf(spec) ?? 'any']
}

/** Whether the node is reached in a way that hides, from those who watch links, that the job is on it. */
export function isHiddenFor(
  spec: Pick<JobSpec, 'privacy' | 'routing'>,
  { circuits, reach }: Pick<NodeView, 'circuits' | 'reach'>,
): boolean {
  switch (coverOf(spec)) {
    case 'mixnet':
      return reach === 'mixnet'
    case 'circuits':
      return circuits
    case 'any':
      return circuits || reach === 'mixnet'
    default:
      return true
  }
}

/**
 * Whether the node is in another network than who submitted the job, as far as that counts: not where the network is not known,
 * and not for a node behind the mixnet, whose network nobody knows.
 */
export function isElsewhere(
  { networkPrefix, reach }: Pick<NodeView, 'networkPrefix' | 'reach'>,
  network: string | undefined,
): boolean {
  if (network === undefined || reach === 'mixnet') return true
  return networkPrefix !== undefined && networkPrefix !== network
}

/** Whether a node's round trip is known to be within the cap. */
export function isWithin(capMs: number | undefined, { latencyMs }: Pick<NodeView, 'latencyMs'>): boolean {
  return capMs === undefined || (latencyMs !== undefined && latencyMs <= capMs)
}
