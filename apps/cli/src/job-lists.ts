import type { JobView, TaskView, WhyView } from '@fog/contract'
import { type Fog, pages } from '@fog/sdk'

export const JOB_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export const TASK_STATUSES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const

/** Tasks of a job, all or those in one state. */
export function tasksWith(fog: Fog, jobId: string, status: string | undefined): AsyncGenerator<TaskView> {
  const known = TASK_STATUSES.find((each) => each === status)
  const query = { limit: 500, ...(known && { status: known }) }
  return pages((after) => fog.client.call('listTasks', { params: { jobId }, query: { ...query, ...after } }))
}

/** The first so many, or all. */
export async function take<Item>(items: AsyncGenerator<Item>, limit = Infinity): Promise<Item[]> {
  const taken: Item[] = []
  for await (const item of items) {
    taken.push(item)
    if (taken.length >= limit) break
  }
  return taken
}

/** A thousand failed tasks speak for the rest. */
const LOOKED_AT = 1000

/** Why tasks failed, in the form of why they wait: what befell most of them first. */
export async function failuresOf(fog: Fog, { jobId, status }: JobView): Promise<WhyView> {
  const tasks = await take(tasksWith(fog, jobId, 'failed'), LOOKED_AT)
  const groups = Map.groupBy(tasks, ({ failure }) => failure?.sentence ?? 'It failed for a reason unknown.')
  const reasons = [...groups]
    .map(([text, some]) => ({ code: some[0]?.failure?.reason ?? 'unknown', text, tasks: some.length }))
    .sort((a, b) => b.tasks - a.tasks)
  return { jobId, status, reasons }
}
