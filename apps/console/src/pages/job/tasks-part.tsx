import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JobView } from '@fog/contract'
import type { TaskStatus } from '../../feed/updates.ts'
import { formatCount } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { useClient } from '../../session/session-context.tsx'
import { tasksQuery } from './queries.ts'
import { TasksTable } from './tasks-table.tsx'

type Filter = 'any' | TaskStatus

/** A job's tasks in order, page by page: there may be very many. */
export function TasksPart({ job }: { job: JobView }) {
  const [filter, setFilter] = useState<Filter>('any')
  const pages = usePages()
  const status = filter === 'any' ? undefined : filter
  const tasks = useQuery(tasksQuery(useClient(), job.jobId, { status, after: pages.after }))
  const { counts } = job
  const options: { value: Filter; text: string; count?: string }[] = [
    { value: 'any', text: 'All' },
    { value: 'running', text: 'Running', count: formatCount(counts.running) },
    { value: 'queued', text: 'Waiting', count: formatCount(counts.queued) },
    { value: 'done', text: 'Done', count: formatCount(counts.done) },
    { value: 'failed', text: 'Failed', count: formatCount(counts.failed) },
    { value: 'cancelled', text: 'Cancelled', count: formatCount(counts.cancelled) },
  ]
  return (
    <div className="space-y-3">
      <Segmented
        label="Show tasks that are"
        value={filter}
        options={options}
        onChange={(next) => {
          pages.first()
          setFilter(next)
        }}
      />
      <Card flush>
        <Resource query={tasks} lines={8} label="Loading tasks">
          {(page) =>
            page.items.length > 0 ? (
              <TasksTable jobId={job.jobId} tasks={page.items} />
            ) : (
              <p className="px-5 py-8 text-center text-sm text-soft">No task is in this state.</p>
            )
          }
        </Resource>
        <Pager pages={pages} next={tasks.data?.next} label="Pages of tasks" />
      </Card>
    </div>
  )
}
