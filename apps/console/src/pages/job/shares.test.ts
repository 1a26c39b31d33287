import { expect, test } from 'vitest'
import type { TaskView } from '@fog/contract'
import { sharesOf } from './shares.ts'

const task = (node: string | undefined, status: TaskView['status']): TaskView => ({
  taskId: 'task_1',
  jobId: 'job_1',
  index: 0,
  item: '',
  status,
  attempts: 1,
  queuedAt: '',
  ...(node && { nodeId: `node_${node}`, nodeName: node }),
})

test('the busiest node comes first, and what waits belongs to none', () => {
  const tasks = [
    task('a', 'done'),
    task('b', 'done'),
    task('b', 'running'),
    task(undefined, 'queued'),
    task('a', 'queued'),
  ]
  expect(sharesOf(tasks).map(({ nodeName, tasks: count }) => [nodeName, count])).toEqual([
    ['b', 2],
    ['a', 1],
  ])
})
