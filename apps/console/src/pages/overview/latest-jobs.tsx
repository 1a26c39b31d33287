import { Link } from '@tanstack/react-router'
import type { JobView } from '@fog/contract'
import { formatCount } from '../../format/format.ts'
import { WorkState } from '../../parts/badge.tsx'
import { countsSentence, TaskBar } from '../../parts/progress.tsx'
import { Ago } from '../../parts/time.tsx'

export function LatestJobs({ jobs }: { jobs: readonly JobView[] }) {
  if (jobs.length === 0)
    return <p className="px-4 pb-5 text-sm text-soft sm:px-5">No jobs yet. What you submit shows up here.</p>
  return (
    <ul className="border-t border-line">
      {jobs.map((job) => (
        <li
          key={job.jobId}
          className="relative border-b border-line px-4 py-3 last:border-0 hover:bg-sunken/60 sm:px-5"
        >
          <div className="flex items-center gap-3">
            <Link
              to="/jobs/$jobId"
              params={{ jobId: job.jobId }}
              className="min-w-0 flex-1 truncate font-medium after:absolute after:inset-0"
            >
              {job.name}
            </Link>
            <span className="hidden text-[0.8125rem] text-faint xs:inline">
              <Ago at={job.submittedAt} />
            </span>
            <WorkState status={job.status} />
          </div>
          <div className="mt-2 flex items-center gap-3">
            <TaskBar counts={job.counts} tasks={job.tasks} label={`Progress of ${job.name}`} />
            <span
              className="figures shrink-0 text-xs text-faint"
              aria-hidden="true"
              title={countsSentence(job.counts, job.tasks)}
            >
              {formatCount(job.counts.done)}/{formatCount(job.tasks)}
            </span>
          </div>
        </li>
      ))}
    </ul>
  )
}
