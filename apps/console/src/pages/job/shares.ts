import type { TaskView } from '@fog/contract'

export interface NodeShare {
  readonly nodeId: string
  readonly nodeName: string
  /** Tasks it runs or ended. */
  readonly tasks: number
}

/** How many tasks each node has or had, the most first, then by name. Pure. */
export function sharesOf(tasks: readonly TaskView[]): NodeShare[] {
  const placed = tasks.filter(({ nodeId, status }) => nodeId !== undefined && status !== 'queued')
  const shares = [...Map.groupBy(placed, ({ nodeId }) => nodeId!)].map(([nodeId, ofNode]) => ({
    nodeId,
    nodeName: ofNode.find(({ nodeName }) => nodeName !== undefined)?.nodeName ?? nodeId,
    tasks: ofNode.length,
  }))
  return shares.toSorted((a, b) => b.tasks - a.tasks || a.nodeName.localeCompare(b.nodeName))
}
