import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CalendarClock, ChevronLeft, Plus } from 'lucide-react'
import { useState } from 'react'
import type { ScheduleView } from '@fog/contract'
import { formatIn } from '../../format/next-times.ts'
import { State } from '../../parts/badge.tsx'
import { buttonClass } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { Ago } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { useMe } from '../../shell/me.ts'
import { schedulesQuery } from './queries.ts'
import { RunState } from './run-state.tsx'

/** Jobs that are submitted again and again, by the clock. */
export function SchedulesPage() {
  const me = useMe()
  const pages = usePages()
  const [all, setAll] = useState(false)
  const schedules = useQuery(schedulesQuery(useClient(), { all, after: pages.after }))
  const add = (
    <Link to="/jobs/new" search={{ repeat: true }} className={buttonClass('primary')}>
      <Plus size={16} aria-hidden="true" />
      New schedule
    </Link>
  )
  return (
    <Page
      title="Schedules"
      above={
        <Link to="/jobs" className="inline-flex items-center gap-1 rounded font-medium text-accent hover:underline">
          <ChevronLeft size={15} aria-hidden="true" />
          Jobs
        </Link>
      }
      note="Jobs that are submitted again and again, by the clock. Each is paid for when it is submitted."
      actions={add}
    >
      {me?.role === 'admin' && (
        <Segmented
          label="Whose schedules"
          value={all ? 'all' : 'mine'}
          options={[
            { value: 'mine', text: 'Mine' },
            { value: 'all', text: "Everybody's" },
          ]}
          onChange={(value) => {
            pages.first()
            setAll(value === 'all')
          }}
        />
      )}
      <Card flush>
        <Resource query={schedules} lines={5} label="Loading schedules">
          {(page) =>
            page.items.length > 0 ? (
              <DataTable
                caption="Schedules"
                columns={COLUMNS}
                rows={page.items}
                rowId={(schedule) => schedule.scheduleId}
              />
            ) : (
              <Empty icon={<CalendarClock size={22} />} title="No schedules yet" action={add}>
                Write a job as always, and say when it is to be submitted: every night, every quarter of an hour.
              </Empty>
            )
          }
        </Resource>
        <Pager pages={pages} next={schedules.data?.next} label="Pages of schedules" />
      </Card>
    </Page>
  )
}

const COLUMNS: readonly Column<ScheduleView>[] = [
  {
    id: 'name',
    header: 'Name',
    sort: ({ name }) => name,
    className: 'w-full max-w-0',
    cell: ({ scheduleId, name, timezone }) => (
      <>
        <Link
          to="/schedules/$scheduleId"
          params={{ scheduleId }}
          className="block truncate font-medium after:absolute after:inset-0"
        >
          {name}
        </Link>
        <span className="block truncate text-[0.8125rem] text-faint">{timezone}</span>
      </>
    ),
  },
  {
    id: 'cron',
    header: 'Pattern',
    from: 'sm',
    cell: ({ cron }) => <code className="font-mono text-[0.8125rem] whitespace-nowrap">{cron}</code>,
  },
  {
    id: 'state',
    header: 'State',
    sort: ({ status }) => status,
    cell: ({ status }) => (status === 'active' ? <State tone="good">active</State> : <State tone="warn">paused</State>),
  },
  {
    id: 'next',
    header: 'Next',
    align: 'end',
    sort: ({ nextAt }) => (nextAt === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(nextAt)),
    cell: ({ nextAt, timezone }) =>
      nextAt === undefined ? (
        <span className="text-faint">none</span>
      ) : (
        <span title={formatIn(timezone, Date.parse(nextAt))}>
          <Ago at={nextAt} />
        </span>
      ),
  },
  {
    id: 'last',
    header: 'Last',
    align: 'end',
    from: 'md',
    cell: ({ lastRun }) =>
      lastRun ? (
        <span className="inline-flex items-center gap-2">
          <RunState outcome={lastRun.outcome} /> <Ago at={lastRun.at} />
        </span>
      ) : (
        <span className="text-faint">never</span>
      ),
  },
]
