import { expect, test } from 'vitest'
import type { TaskView } from '@fog/contract'
import { lanesOf } from './lanes.ts'

const at = (second: number) => new Date(second * 1000).toISOString()
const task = (index: number, node: string, from: number, to?: number): TaskView => ({
  taskId: `task_${index}`,
  jobId: 'job_1',
  index,
  item: '',
  status: to === undefined ? 'running' : 'done',
  attempts: 1,
  nodeId: `node_${node}`,
  nodeName: node,
  queuedAt: at(0),
  startedAt: at(from),
  ...(to !== undefined && { finishedAt: at(to) }),
})

test('tasks that ran side by side get a row each, others share one', () => {
  const [lane] = lanesOf([task(0, 'a', 0, 10), task(1, 'a', 5, 15), task(2, 'a', 10, 20)], 0)
  expect(lane?.spans.map(({ row }) => row)).toEqual([0, 1, 0])
  expect(lane?.rows).toBe(2)
})

test('time in which two tasks ran counts once, and a pause not at all', () => {
  const [lane] = lanesOf([task(0, 'a', 0, 10), task(1, 'a', 5, 15), task(2, 'a', 20, 21)], 0)
  expect(lane?.busyMs).toBe(16_000)
})

test('a task that runs reaches to now, and one that waits is on no node', () => {
  const { startedAt: _, nodeId: __, nodeName: ___, ...waiting } = task(1, 'b', 0)
  expect(lanesOf([task(0, 'a', 2), waiting], 7000)).toMatchObject([{ nodeName: 'a', busyMs: 5000 }])
})
