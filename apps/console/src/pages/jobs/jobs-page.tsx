import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { CalendarClock, ListChecks, Plus } from 'lucide-react'
import { buttonClass } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import type { JobStatus } from './job-status.ts'
import { useClient } from '../../session/session-context.tsx'
import { useMe } from '../../shell/me.ts'
import { JobsTable } from './jobs-table.tsx'
import { jobsQuery } from './queries.ts'

const FILTERS = [
  { value: 'any', text: 'All' },
  { value: 'running', text: 'Running' },
  { value: 'queued', text: 'Queued' },
  { value: 'succeeded', text: 'Succeeded' },
  { value: 'failed', text: 'Failed' },
  { value: 'cancelled', text: 'Cancelled' },
] as const
type Filter = (typeof FILTERS)[number]['value']

/** Every job, newest first, live. */
export function JobsPage() {
  const client = useClient()
  const me = useMe()
  const navigate = useNavigate()
  const { status, all = false } = useSearch({ from: '/inside/jobs' })
  const pages = usePages()
  const jobs = useQuery(jobsQuery(client, { status, all, after: pages.after }))

  const show = (next: { status: JobStatus | undefined; all: boolean }) => {
    pages.first()
    void navigate({
      to: '/jobs',
      search: { ...(next.status && { status: next.status }), ...(next.all && { all: true as const }) },
      replace: true,
    })
  }
  return (
    <Page
      title="Jobs"
      actions={
        <>
          <Link to="/schedules" className={buttonClass('plain')}>
            <CalendarClock size={16} aria-hidden="true" />
            Schedules
          </Link>
          <Link to="/jobs/new" className={buttonClass('primary')}>
            <Plus size={16} aria-hidden="true" />
            Submit a job
          </Link>
        </>
      }
    >
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Segmented<Filter>
          label="Show jobs that are"
          value={status ?? 'any'}
          options={FILTERS}
          onChange={(value) => show({ status: value === 'any' ? undefined : value, all })}
        />
        {me?.role === 'admin' && (
          <Segmented
            label="Whose jobs"
            value={all ? 'all' : 'mine'}
            options={[
              { value: 'mine', text: 'Mine' },
              { value: 'all', text: "Everybody's" },
            ]}
            onChange={(value) => show({ status, all: value === 'all' })}
          />
        )}
      </div>
      {jobs.data?.withheld === true && (
        <p className="text-sm text-soft">
          Secret jobs are not shown here, as a browser asks the fog directly; see them with <code>fog --mixnet ps</code>
          .
        </p>
      )}
      <Card flush>
        <Resource query={jobs} lines={8} label="Loading jobs">
          {(page) =>
            page.items.length > 0 ? <JobsTable jobs={page.items} /> : <NoJobs filtered={status !== undefined} />
          }
        </Resource>
        <Pager pages={pages} next={jobs.data?.next} label="Pages of jobs" />
      </Card>
    </Page>
  )
}

function NoJobs({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty icon={<ListChecks size={22} />} title="No such jobs">
        None of the jobs is in this state right now.
      </Empty>
    )
  }
  return (
    <Empty
      icon={<ListChecks size={22} />}
      title="No jobs yet"
      action={
        <Link to="/jobs/new" className={buttonClass('primary')}>
          Submit a job
        </Link>
      }
    >
      A job is a program and a list of inputs. The fog runs it once for each, on devices that have time.
    </Empty>
  )
}
