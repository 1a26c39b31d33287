import { Link } from '@tanstack/react-router'
import type { JobView } from '@fog/contract'
import { formatCount, formatTokens } from '../../format/format.ts'
import { WorkState } from '../../parts/badge.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { TaskBar } from '../../parts/progress.tsx'
import { Ago, Took } from '../../parts/time.tsx'

const COLUMNS: readonly Column<JobView>[] = [
  {
    id: 'name',
    header: 'Job',
    className: 'max-w-0 w-full sm:w-[34%]',
    cell: (job) => (
      <>
        <Link
          to="/jobs/$jobId"
          params={{ jobId: job.jobId }}
          className="block truncate font-medium after:absolute after:inset-0"
          title={job.name}
        >
          {job.name}
        </Link>
        <span className="figures block text-[0.8125rem] text-faint sm:hidden">
          {formatCount(job.counts.done)} of {formatCount(job.tasks)}, <Ago at={job.submittedAt} />
        </span>
      </>
    ),
  },
  { id: 'status', header: 'State', cell: (job) => <WorkState status={job.status} /> },
  {
    id: 'tasks',
    header: 'Tasks',
    from: 'sm',
    className: 'w-[22%] min-w-32',
    cell: (job) => (
      <div className="flex items-center gap-3">
        <TaskBar counts={job.counts} tasks={job.tasks} label={`Progress of ${job.name}`} />
        <span className="figures shrink-0 text-xs text-faint">
          {formatCount(job.counts.done)}/{formatCount(job.tasks)}
        </span>
      </div>
    ),
  },
  { id: 'tier', header: 'Tier', from: 'lg', cell: (job) => <span className="capitalize">{job.tier}</span> },
  {
    id: 'took',
    header: 'Took',
    align: 'end',
    from: 'lg',
    cell: (job) => <Took from={job.startedAt} to={job.finishedAt} />,
  },
  {
    id: 'cost',
    header: 'Cost',
    align: 'end',
    from: 'md',
    cell: (job) =>
      job.cost === undefined ? (
        <span className="text-faint" title="The most it can cost">
          ≤ {formatTokens(job.priceCap)}
        </span>
      ) : (
        formatTokens(job.cost)
      ),
  },
  { id: 'at', header: 'Submitted', align: 'end', from: 'sm', cell: (job) => <Ago at={job.submittedAt} /> },
]

export function JobsTable({ jobs }: { jobs: readonly JobView[] }) {
  return <DataTable caption="Jobs, newest first" columns={COLUMNS} rows={jobs} rowId={(job) => job.jobId} />
}
