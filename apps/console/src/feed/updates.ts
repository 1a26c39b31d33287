import type { EventType, EventView } from '@fog/contract'

/** What events mean for what is on the screen. Pure: events in, updates out. */

/** A query to read again, and how often at most that may happen while events keep coming. */
export interface Refresh {
  readonly key: readonly string[]
  readonly everyMs: number
}

export type TaskStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** What an event says about one task, enough to show it before the next read. */
export interface TaskChange {
  readonly jobId: string
  readonly taskId: string
  readonly index: number | undefined
  readonly status: TaskStatus
  readonly nodeId: string | undefined
  readonly nodeName: string | undefined
  readonly at: string
}

export interface Updates {
  readonly refreshes: readonly Refresh[]
  readonly tasks: readonly TaskChange[]
  /** The latest balance the batch speaks of. */
  readonly balance: { readonly available: string; readonly onHold: string } | undefined
}

/** At most four a second reach the screen, however many events come. */
export const FLUSH_MS = 250
const SOON = FLUSH_MS
const CALMLY = 1000

/** Folds a batch into as few updates as it needs: one refresh a query, one change a task. */
export function updatesOf(events: readonly EventView[]): Updates {
  const refreshes = new Map<string, Refresh>()
  const tasks = new Map<string, TaskChange>()
  let balance: Updates['balance']
  for (const event of events) {
    for (const refresh of refreshesOf(event)) keepSooner(refreshes, refresh)
    const change = taskChangeOf(event)
    if (change && counts(tasks.get(change.taskId))) tasks.set(change.taskId, change)
    balance = balanceOf(event) ?? balance
  }
  return { refreshes: [...refreshes.values()], tasks: [...tasks.values()], balance }
}

function keepSooner(refreshes: Map<string, Refresh>, refresh: Refresh): void {
  const name = refresh.key.join('/')
  const other = refreshes.get(name)
  if (!other || refresh.everyMs < other.everyMs) refreshes.set(name, refresh)
}

function refreshesOf({ type, jobId, taskId, nodeId }: EventView): Refresh[] {
  const [noun] = type.split('.')
  if (noun === 'job')
    return [
      ...jobRefreshes(jobId, SOON),
      ...mapRefreshes(jobId),
      ...refresh(CALMLY, ['overview'], ['me'], ['transfers'], ['quota']),
    ]
  if (type === 'task.logged') return taskId ? refresh(SOON, ['tasks', taskId, 'logs']) : []
  if (noun === 'task')
    return [...jobRefreshes(jobId, CALMLY / 2), ...taskRefreshes(taskId), ...reservationRefreshes(nodeId)]
  if (noun === 'node') {
    const one = nodeId ? refresh(SOON, ['nodes', nodeId]) : []
    if (type === 'node.enrolled') one.push(...refresh(CALMLY, ['joinTokens'], ['nodeNames']))
    return [...one, ...refresh(CALMLY, ['nodes', 'list'], ['overview'])]
  }
  if (noun === 'account') return refresh(CALMLY, ['transfers'], ['overview'])
  if (noun === 'schedule') return refresh(CALMLY, ['schedules'])
  if (noun === 'mixnet') return mixnetRefreshes(type)
  return []
}

// Nodes report an epoch before the next but one is agreed on: then its packets are read too.
function mixnetRefreshes(type: string): Refresh[] {
  const topology = refresh(CALMLY, ['mixnet', 'topology'])
  switch (type) {
    case 'mixnet.consensus_published':
      return [...topology, ...refresh(CALMLY, ['mixnet', 'flow'], ['mixnet', 'places'])]
    case 'mixnet.node_admitted':
    case 'mixnet.node_revoked':
      return refresh(CALMLY, ['mixnet', 'nodes'], ['joinTokens'])
    case 'mixnet.evidence_found':
      return refresh(CALMLY, ['mixnet', 'evidence'])
    default:
      return topology
  }
}

function refresh(everyMs: number, ...keys: readonly string[][]): Refresh[] {
  return keys.map((key) => ({ key, everyMs }))
}

function jobRefreshes(jobId: string | undefined, everyMs: number): Refresh[] {
  const list = refresh(CALMLY, ['jobs', 'list'])
  if (!jobId) return list
  return [
    ...list,
    ...refresh(everyMs, ['jobs', jobId, 'view']),
    ...refresh(
      CALMLY,
      ['jobs', jobId, 'tasks'],
      ['jobs', jobId, 'results'],
      ['jobs', jobId, 'why'],
      ['jobs', jobId, 'receipt'],
    ),
  ]
}

// Events keep the map going; its end is read once more, for what they do not tell.
function mapRefreshes(jobId: string | undefined): Refresh[] {
  return jobId ? refresh(CALMLY, ['jobs', jobId, 'map']) : []
}

// A task that comes or goes changes what is reserved.
function reservationRefreshes(nodeId: string | undefined): Refresh[] {
  const one = nodeId ? refresh(CALMLY, ['nodes', nodeId]) : []
  return [...one, ...refresh(CALMLY, ['nodes', 'list'], ['overview'])]
}

function taskRefreshes(taskId: string | undefined): Refresh[] {
  return taskId ? refresh(SOON, ['tasks', taskId, 'detail'], ['tasks', taskId, 'logs']) : []
}

const STATUS_AFTER: Partial<Record<EventType, TaskStatus>> = {
  'task.placed': 'running',
  'task.started': 'running',
  'task.done': 'done',
  'task.failed': 'failed',
  'task.requeued': 'queued',
  'task.preempted': 'queued',
  'task.cancelled': 'cancelled',
}

function taskChangeOf(event: EventView): TaskChange | undefined {
  const status = STATUS_AFTER[event.type as EventType]
  if (!status || !event.jobId || !event.taskId) return undefined
  const { index, node } = event.data
  return {
    jobId: event.jobId,
    taskId: event.taskId,
    index: typeof index === 'number' ? index : undefined,
    status,
    nodeId: event.nodeId,
    nodeName: typeof node === 'string' ? node : undefined,
    at: event.at,
  }
}

/** Whether the change still counts. The feed may tell again what a read already showed: a task at its end stays there. */
export function counts(before: { readonly status: TaskStatus } | undefined): boolean {
  return !before || !isFinal(before.status)
}

export function isFinal(status: TaskStatus): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled'
}

function balanceOf(event: EventView): Updates['balance'] {
  const { available, onHold } = event.data
  if (event.type !== 'account.changed' || typeof available !== 'string' || typeof onHold !== 'string') return undefined
  return { available, onHold }
}
