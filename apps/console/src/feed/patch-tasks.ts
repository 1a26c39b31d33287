import type { QueryClient } from '@tanstack/react-query'
import type { TaskView } from '@fog/contract'
import { counts, type TaskChange } from './updates.ts'

/** Shows at once what events say of tasks; the read that follows brings the rest. */
export function patchTasks(queries: QueryClient, changes: readonly TaskChange[]): void {
  for (const [jobId, ofJob] of Map.groupBy(changes, (change) => change.jobId)) {
    const byTask = new Map(ofJob.map((change) => [change.taskId, change]))
    queries.setQueriesData<readonly TaskView[]>({ queryKey: ['jobs', jobId, 'map'] }, (tasks) =>
      tasks?.map((task) => changedTask(task, byTask.get(task.taskId))),
    )
    queries.setQueriesData<{ items: TaskView[] }>(
      { queryKey: ['jobs', jobId, 'tasks'] },
      (page) => page && { ...page, items: page.items.map((task) => changedTask(task, byTask.get(task.taskId))) },
    )
  }
}

/** The task as it stands after the change; itself when nothing changes. Pure. */
export function changedTask(task: TaskView, change: TaskChange | undefined): TaskView {
  if (!change || !counts(task)) return task
  const { nodeId: _nodeId, nodeName: _nodeName, startedAt: _startedAt, ...rest } = task
  if (change.status === 'queued') return { ...rest, status: 'queued' }
  return {
    ...task,
    status: change.status,
    ...(change.nodeId && { nodeId: change.nodeId }),
    ...(change.nodeName && { nodeName: change.nodeName }),
    ...(change.status === 'running' ? { startedAt: task.startedAt ?? change.at } : { finishedAt: change.at }),
  }
}
