import { describe, expect, test } from 'vitest'
import type { EventView, TaskView } from '@fog/contract'
import { FLUSH_MS, updatesOf } from './updates.ts'
import { Pace } from './pace.ts'
import { changedTask } from './patch-tasks.ts'
import { type FeedSnapshot, withEvents } from './feed-store.ts'
import { linesOf } from './sentences.ts'

let cursor = 0
const event = (type: string, more: Partial<EventView> = {}): EventView => ({
  cursor: `c${(cursor += 1)}`,
  type,
  at: '2026-01-01T00:00:00.500Z',
  data: {},
  ...more,
})
const ofTask = (type: string, index: number, data: EventView['data'] = {}) =>
  event(type, { jobId: 'job_1', taskId: `task_${index}`, data: { index, ...data } })

function change(status: 'running' | 'queued' | 'done') {
  return { jobId: 'job_1', taskId: 'task_1', index: 1, status, nodeId: undefined, nodeName: undefined, at: 'now' }
}

function refresh(name: string, everyMs = 1000) {
  return { key: [name], everyMs }
}

describe('what events change', () => {
  test('many events of one job ask for each query once', () => {
    const { refreshes } = updatesOf(Array.from({ length: 500 }, (_, i) => ofTask('task.done', i)))
    const ofJob = refreshes.filter(({ key }) => key[0] === 'jobs').map(({ key }) => key.join('/'))
    expect(new Set(ofJob).size).toBe(ofJob.length)
    expect(ofJob).toContain('jobs/job_1/view')
  })

  test('the most eager wish for a query wins', () => {
    const { refreshes } = updatesOf([ofTask('task.done', 1), event('job.succeeded', { jobId: 'job_1' })])
    expect(refreshes.find(({ key }) => key.join('/') === 'jobs/job_1/view')?.everyMs).toBe(FLUSH_MS)
  })

  test('a task that ended stays ended, whatever is told late', () => {
    const { tasks } = updatesOf([ofTask('task.started', 1), ofTask('task.done', 1), ofTask('task.started', 1)])
    expect(tasks).toMatchObject([{ status: 'done' }])
  })

  test('a lost task goes back to waiting', () => {
    expect(updatesOf([ofTask('task.started', 1), ofTask('task.requeued', 1)]).tasks).toMatchObject([
      { status: 'queued' },
    ])
  })

  test('the last balance told is the one shown', () => {
    const balances = ['5', '4'].map((available) => event('account.changed', { data: { available, onHold: '1' } }))
    expect(updatesOf(balances).balance).toEqual({ available: '4', onHold: '1' })
  })

  test('a printed line asks for that log only, and an unknown event for nothing', () => {
    expect(updatesOf([ofTask('task.logged', 7)]).refreshes.map(({ key }) => key)).toEqual([['tasks', 'task_7', 'logs']])
    expect(updatesOf([event('moon.rose')])).toEqual({ refreshes: [], tasks: [], balance: undefined })
  })
})

describe('showing a task before it is read again', () => {
  const task: TaskView = {
    taskId: 'task_1',
    jobId: 'job_1',
    index: 1,
    item: '',
    status: 'running',
    attempts: 1,
    queuedAt: '',
    nodeName: 'a',
    nodeId: 'node_a',
    startedAt: 's',
  }
  test('it keeps where it runs and gets its end', () => {
    expect(changedTask(task, change('done'))).toMatchObject({
      status: 'done',
      nodeName: 'a',
      startedAt: 's',
      finishedAt: 'now',
    })
  })

  test('back in the queue it is on no node', () => {
    expect(changedTask(task, change('queued'))).not.toHaveProperty('nodeName')
  })

  test('an old event does not wake what is done', () => {
    const done: TaskView = { ...task, status: 'done' }
    expect(changedTask(done, change('running'))).toBe(done)
  })
})

describe('the pace of reading', () => {
  test('the first is read at once, the next not before its time, and the last is never forgotten', () => {
    const pace = new Pace()
    pace.add([refresh('a')])
    expect(pace.takeDue(0)).toHaveLength(1)
    pace.add([refresh('a')])
    expect(pace.takeDue(400)).toHaveLength(0)
    expect(pace.nextAt()).toBe(1000)
    expect(pace.takeDue(1000)).toHaveLength(1)
    expect(pace.nextAt()).toBeUndefined()
  })

  test('however many events come, no query is read more often than four times a second', () => {
    const pace = new Pace()
    let reads = 0
    for (let now = 0; now < 10_000; now += 10) {
      pace.add([refresh('a', FLUSH_MS)])
      reads += pace.takeDue(now).length
    }
    expect(reads).toBeLessThanOrEqual(41)
  })
})

describe('what this tab has heard', () => {
  const nothing: FeedSnapshot = { state: 'live', events: [], seconds: [], since: 0 }

  test('ended tasks are counted by the second of their event', () => {
    const { seconds } = withEvents(nothing, [ofTask('task.done', 1), ofTask('task.done', 2), ofTask('task.failed', 3)])
    expect(seconds).toEqual([{ second: Date.UTC(2026, 0, 1) / 1000, done: 2, failed: 1 }])
  })

  test('the newest comes first, printed lines are not told, and the memory is bounded', () => {
    const { events } = withEvents(nothing, [
      ofTask('task.logged', 1),
      ...Array.from({ length: 300 }, (_, i) => ofTask('task.done', i)),
    ])
    expect(events).toHaveLength(200)
    expect(events[0]?.data['index']).toBe(299)
  })

  test('like events of one job become one line, but not across what happened in between', () => {
    const events = [
      ofTask('task.done', 3),
      ofTask('task.started', 4),
      ofTask('task.done', 2),
      event('node.connected', { data: { name: 'attic' } }),
      ofTask('task.done', 1),
    ]
    expect(linesOf(events, 10, new Map()).map(({ text }) => text)).toEqual([
      '2 tasks done',
      'Task 4 started',
      'attic is connected',
      'Task 1 done',
    ])
  })

  test('a job is called by its name where it is known', () => {
    const names = new Map([['job_1', 'mandelbrot']])
    const events = [event('job.succeeded', { jobId: 'job_1', data: { done: 16, failed: 0 } }), ofTask('task.done', 1)]
    expect(linesOf(events, 10, names).map(({ text }) => text)).toEqual([
      'mandelbrot is done: 16 tasks',
      'Task 1 of mandelbrot done',
    ])
  })
})
