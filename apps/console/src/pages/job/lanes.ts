import type { TaskView } from '@fog/contract'

/** One task on its node's row of the timeline. */
export interface Span {
  readonly task: TaskView
  readonly from: number
  readonly to: number
  /** Row within the lane: tasks that ran side by side lie below each other. */
  readonly row: number
}

export interface Lane {
  readonly nodeId: string
  readonly nodeName: string
  readonly rows: number
  readonly spans: readonly Span[]
  /** Time in which at least one task ran. */
  readonly busyMs: number
}

/** Which node ran which task when. A task that still runs reaches to `now`. Pure. */
export function lanesOf(tasks: readonly TaskView[], now: number): Lane[] {
  const placed = tasks.filter(({ nodeId, startedAt }) => nodeId !== undefined && startedAt !== undefined)
  const lanes = [...Map.groupBy(placed, ({ nodeId }) => nodeId!)].map(([nodeId, ofNode]) => laneOf(nodeId, ofNode, now))
  return lanes.toSorted((a, b) => a.nodeName.localeCompare(b.nodeName))
}

function laneOf(nodeId: string, tasks: readonly TaskView[], now: number): Lane {
  const timed = tasks
    .map((task) => ({
      task,
      from: Date.parse(task.startedAt!),
      to: task.finishedAt ? Date.parse(task.finishedAt) : now,
    }))
    .toSorted((a, b) => a.from - b.from)
  const freeFrom: number[] = []
  const spans = timed.map((span): Span => {
    const found = freeFrom.findIndex((free) => free <= span.from)
    const row = found < 0 ? freeFrom.length : found
    freeFrom[row] = Math.max(span.to, span.from)
    return { ...span, row }
  })
  return { nodeId, nodeName: tasks[0]?.nodeName ?? nodeId, rows: freeFrom.length, spans, busyMs: covered(spans) }
}

function covered(spans: readonly Span[]): number {
  let until = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const { from, to } of spans) {
    sum += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return sum
}
