import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ChevronLeft } from 'lucide-react'
import { useState } from 'react'
import type { ScheduleDetailView, ScheduleRunView, ScheduleView } from '@fog/contract'
import { formatExact, shortId, UNKNOWN } from '../../format/format.ts'
import { formatIn, nextTimes } from '../../format/next-times.ts'
import { State } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Card, Facts } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Ago } from '../../parts/time.tsx'
import { useSay, useSayFailure } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { scheduleQuery } from '../schedules/queries.ts'
import { RunState } from '../schedules/run-state.tsx'

const NEXT_SHOWN = 5

/** One schedule: when it is due, what became of it, and what one may do with it. */
export function SchedulePage() {
  const { scheduleId } = useParams({ from: '/inside/schedules/$scheduleId' })
  const schedule = useQuery(scheduleQuery(useClient(), scheduleId))
  if (schedule.data) return <Loaded detail={schedule.data} stale={schedule.error} />
  return (
    <Page title="Schedule" above={<Back />}>
      {schedule.isError ? (
        <Failure error={schedule.error} retry={() => void schedule.refetch()} />
      ) : (
        <Loading lines={6} label="Loading the schedule" />
      )}
    </Page>
  )
}

function Back() {
  return (
    <Link to="/schedules" className="inline-flex items-center gap-1 rounded font-medium text-accent hover:underline">
      <ChevronLeft size={15} aria-hidden="true" />
      Schedules
    </Link>
  )
}

function Loaded({ detail: { schedule, runs }, stale }: { detail: ScheduleDetailView; stale: unknown }) {
  const { name, scheduleId, status } = schedule
  return (
    <Page
      title={name}
      above={<Back />}
      heading={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="min-w-0 break-words">{name}</span>
          <span className="text-sm tracking-normal">
            {status === 'active' ? <State tone="good">active</State> : <State tone="warn">paused</State>}
          </span>
        </span>
      }
      note={<IdText id={scheduleId} />}
      actions={<Deeds schedule={schedule} />}
    >
      {Boolean(stale) && <Failure error={stale} />}
      <div className="grid items-start gap-4 md:gap-5 lg:grid-cols-2">
        <Card title="When">
          <Facts
            facts={[
              [
                'Pattern',
                <code key="cron" className="font-mono text-[0.8125rem]">
                  {schedule.cron}
                </code>,
              ],
              ['Time zone', schedule.timezone],
              ['While one runs', schedule.overlap === 'allow' ? 'another is submitted' : 'the next is left out'],
              [
                'After an outage',
                schedule.catchUp === 'one' ? 'one makes up for what was missed' : 'what was missed stays so',
              ],
              ['Made', formatExact(Date.parse(schedule.createdAt))],
            ]}
          />
        </Card>
        <Card title="Next">
          <Next schedule={schedule} />
        </Card>
      </div>
      <Card flush title="What became of it" note="The latest first.">
        {runs.length === 0 ? (
          <p className="px-4 pb-4 text-sm text-soft sm:px-5">It was not due yet.</p>
        ) : (
          <DataTable
            caption="Runs of the schedule"
            columns={COLUMNS}
            rows={runs}
            rowId={({ dueAt, at }) => `${dueAt} ${at}`}
          />
        )}
      </Card>
    </Page>
  )
}

function Next({ schedule: { nextAt, cron, timezone } }: { schedule: ScheduleView }) {
  if (nextAt === undefined) return <p className="text-sm text-soft">It is paused, or never due again.</p>
  // The first is what the control plane says; the others follow by the same reader.
  const first = Date.parse(nextAt)
  const later = nextTimes({ cron, timezone }, first, NEXT_SHOWN - 1)
  return (
    <ol className="space-y-1 text-sm">
      {[first, ...(later.ok ? later.times : [])].map((at, i) => (
        <li key={at} className="figures flex flex-wrap justify-between gap-x-4">
          {formatIn(timezone, at)}
          {i === 0 && (
            <span className="text-faint">
              <Ago at={nextAt} />
            </span>
          )}
        </li>
      ))}
    </ol>
  )
}

function Deeds({ schedule }: { schedule: ScheduleView }) {
  const client = useClient()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const say = useSay()
  const sayFailure = useSayFailure()
  const [asks, setAsks] = useState(false)
  const { scheduleId, name, status } = schedule
  const params = { scheduleId }
  const again = () => void queries.invalidateQueries({ queryKey: ['schedules'] })
  const set = useMutation({
    mutationFn: async (next: ScheduleView['status']) => client.call('setSchedule', { params, body: { status: next } }),
    onSuccess: again,
    onError: sayFailure,
  })
  const run = useMutation({
    mutationFn: async () => client.call('runSchedule', { params }),
    onSuccess: ({ jobId }) => {
      again()
      say('good', `${name} was submitted`, linkTo(jobId))
    },
    onError: sayFailure,
  })
  const remove = useMutation({
    mutationFn: async () => client.call('removeSchedule', { params }),
    onSuccess: () => {
      say('good', `${name} was deleted`)
      queries.removeQueries({ queryKey: ['schedules', scheduleId] })
      void queries.invalidateQueries({ queryKey: ['schedules', 'list'] })
      void navigate({ to: '/schedules' })
    },
  })
  return (
    <>
      <Button busy={run.isPending} onClick={() => run.mutate()}>
        Run now
      </Button>
      <Button
        kind={status === 'active' ? 'plain' : 'primary'}
        busy={set.isPending}
        onClick={() => set.mutate(status === 'active' ? 'paused' : 'active')}
      >
        {status === 'active' ? 'Pause' : 'Resume'}
      </Button>
      <Button kind="danger" onClick={() => setAsks(true)}>
        Delete
      </Button>
      <Confirm
        open={asks}
        onClose={() => setAsks(false)}
        title={`Delete ${name}?`}
        act="Delete it"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        It submits nothing any more. The jobs it submitted stay.
      </Confirm>
    </>
  )
}

function linkTo(jobId: string) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId }} className="font-medium text-accent underline underline-offset-2">
      Open the job
    </Link>
  )
}

const COLUMNS: readonly Column<ScheduleRunView>[] = [
  {
    id: 'due',
    header: 'Due',
    sort: ({ dueAt }) => Date.parse(dueAt),
    cell: ({ dueAt }) => <span className="figures">{formatExact(Date.parse(dueAt))}</span>,
  },
  { id: 'outcome', header: 'Outcome', cell: ({ outcome }) => <RunState outcome={outcome} /> },
  {
    id: 'job',
    header: 'Job',
    cell: ({ jobId }) =>
      jobId ? (
        <Link to="/jobs/$jobId" params={{ jobId }} className="font-mono text-[0.8125rem] text-accent hover:underline">
          {shortId(jobId)}
        </Link>
      ) : (
        <span className="text-faint">none</span>
      ),
  },
  {
    id: 'reason',
    header: 'Why',
    from: 'md',
    className: 'w-full max-w-0',
    cell: ({ reason, outcome }) => (
      <span className="text-soft">{reason ?? (outcome === 'submitted' ? '' : UNKNOWN)}</span>
    ),
  },
]
