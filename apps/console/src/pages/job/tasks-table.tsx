import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { TaskView } from '@fog/contract'
import { formatCount } from '../../format/format.ts'
import { WorkState } from '../../parts/badge.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Took } from '../../parts/time.tsx'

export function TasksTable({ jobId, tasks }: { jobId: string; tasks: readonly TaskView[] }) {
  const columns = useMemo(() => columnsFor(jobId), [jobId])
  return <DataTable caption="Tasks of the job" columns={columns} rows={tasks} rowId={(task) => task.taskId} />
}

function columnsFor(jobId: string): readonly Column<TaskView>[] {
  return [
    { id: 'index', header: '#', align: 'end', className: 'w-12 text-faint', cell: (task) => formatCount(task.index) },
    {
      id: 'item',
      header: 'Task',
      className: 'w-full max-w-0',
      cell: (task) => (
        <>
          <Link
            to="/jobs/$jobId"
            params={{ jobId }}
            search={(before) => ({ ...before, task: task.taskId })}
            replace
            resetScroll={false}
            className="block truncate font-medium after:absolute after:inset-0"
            title={task.item}
          >
            {task.item === '' ? `Task ${task.index}` : task.item}
          </Link>
          {task.failure && <span className="block truncate text-[0.8125rem] text-bad">{task.failure.sentence}</span>}
        </>
      ),
    },
    { id: 'status', header: 'State', cell: (task) => <WorkState status={task.status} /> },
    {
      id: 'node',
      header: 'Node',
      from: 'sm',
      cell: (task) => <span className="text-soft">{task.nodeName ?? ''}</span>,
    },
    { id: 'attempts', header: 'Tries', align: 'end', from: 'md', cell: (task) => formatCount(task.attempts) },
    {
      id: 'took',
      header: 'Took',
      align: 'end',
      from: 'sm',
      cell: (task) => (task.startedAt === undefined ? '' : <Took from={task.startedAt} to={task.finishedAt} />),
    },
  ]
}
