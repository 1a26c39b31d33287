import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { ChevronLeft, CircleStop } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { JobView } from '@fog/contract'
import { WorkState } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { IdText } from '../../parts/copy.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Failure, Loading, Notice } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { TabbedParts } from '../../parts/tabs.tsx'
import { Ago } from '../../parts/time.tsx'
import { formatCount, formatTokens } from '../../format/format.ts'
import { useClient } from '../../session/session-context.tsx'
import { Details } from './details.tsx'
import { Mosaic } from './mosaic.tsx'
import { nodeNamesQuery, withNodeNames } from './node-names.ts'
import { ProgressCard } from './progress-card.tsx'
import { jobQuery, MAP_TASKS, taskMapQuery, whyQuery } from './queries.ts'
import { ReceiptPart } from './receipt-part.tsx'
import { ResultsPart } from './results-part.tsx'
import { StepsPart } from './steps-part.tsx'
import { TaskSheet } from './task-sheet.tsx'
import { TasksPart } from './tasks-part.tsx'
import { Timeline } from './timeline.tsx'
import { WhyNotice } from './why-notice.tsx'

/** One job: how far it is, what came out, who ran it and what it cost. */
export function JobPage() {
  const { jobId } = useParams({ from: '/inside/jobs/$jobId' })
  const job = useQuery(jobQuery(useClient(), jobId))
  if (job.data) return <Loaded job={job.data} stale={job.isError ? job.error : undefined} />
  return (
    <Page title="Job" above={<Back />}>
      {job.isError ? (
        <Failure error={job.error} retry={() => void job.refetch()} />
      ) : (
        <Loading lines={8} label="Loading the job" />
      )}
    </Page>
  )
}

function Loaded({ job, stale }: { job: JobView; stale: unknown }) {
  const client = useClient()
  const navigate = useNavigate()
  const { tab = 'tasks', task } = useSearch({ from: '/inside/jobs/$jobId' })
  const mapped = job.tasks <= MAP_TASKS
  const map = useQuery({ ...taskMapQuery(client, job.jobId), enabled: mapped })
  const names = useQuery({ ...nodeNamesQuery(client), enabled: mapped }).data
  const tasks = useMemo(() => map.data && withNodeNames(map.data, names ?? new Map()), [map.data, names])
  const waits = !isOver(job) && job.counts.queued > 0
  const why = useQuery({ ...whyQuery(client, job.jobId), enabled: waits })

  const go = (search: { tab?: string; task?: string }) =>
    void navigate({ to: '/jobs/$jobId', params: { jobId: job.jobId }, search, replace: true, resetScroll: false })
  const openTask = (taskId: string) => go({ tab, task: taskId })
  return (
    <Page
      title={job.name}
      above={<Back />}
      heading={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="min-w-0 break-words">{job.name}</span>
          <span className="text-sm tracking-normal">
            <WorkState status={job.status} />
          </span>
        </span>
      }
      note={
        <span className="flex flex-wrap items-center gap-x-2">
          <IdText id={job.jobId} />
          <span>
            submitted <Ago at={job.submittedAt} />
          </span>
          {job.deadline !== undefined && !isOver(job) && (
            <span>
              deadline <Ago at={job.deadline} />
            </span>
          )}
        </span>
      }
      actions={!isOver(job) && <CancelJob job={job} />}
    >
      {stale !== undefined && <Failure error={stale} />}
      {job.failure && <Notice kind="bad">{job.failure}</Notice>}
      {waits && why.data && <WhyNotice why={why.data} />}
      <div className="flex flex-col gap-4 md:gap-5 lg:flex-row">
        <ProgressCard job={job} tasks={tasks} onOpenTask={openTask} />
        <Mosaic jobId={job.jobId} name={job.name} tasks={job.tasks} done={job.counts.done} />
      </div>
      {job.steps && <StepsPart steps={job.steps} />}
      <TabbedParts
        label="Parts of the job"
        value={tab}
        onChange={(next) => go({ tab: next })}
        tabs={[
          { value: 'tasks', label: 'Tasks', count: formatCount(job.tasks), content: <TasksPart job={job} /> },
          {
            value: 'results',
            label: 'Results',
            count: formatCount(job.counts.done),
            content: <ResultsPart job={job} />,
          },
          { value: 'receipt', label: 'Receipt', content: <ReceiptPart job={job} /> },
          {
            value: 'timeline',
            label: 'Timeline',
            content: <Timeline job={job} tasks={tasks} mapped={mapped} />,
          },
          { value: 'details', label: 'Details', content: <Details job={job} /> },
        ]}
      />
      <TaskSheet taskId={task} onClose={() => go({ tab })} />
    </Page>
  )
}

function Back() {
  return (
    <Link to="/jobs" className="inline-flex items-center gap-1 rounded font-medium text-accent hover:underline">
      <ChevronLeft size={15} aria-hidden="true" />
      Jobs
    </Link>
  )
}

function CancelJob({ job }: { job: JobView }) {
  const client = useClient()
  const queries = useQueryClient()
  const [asking, setAsking] = useState(false)
  const cancel = useMutation({
    mutationFn: async () => client.call('cancelJob', { params: { jobId: job.jobId } }),
    onSuccess: (after) => {
      queries.setQueryData(jobQuery(client, job.jobId).queryKey, after)
      setAsking(false)
    },
  })
  return (
    <>
      <Button kind="danger" icon={<CircleStop size={16} aria-hidden="true" />} onClick={() => setAsking(true)}>
        Cancel the job
      </Button>
      <Confirm
        open={asking}
        onClose={() => {
          setAsking(false)
          cancel.reset()
        }}
        title={`Cancel ${job.name}?`}
        act="Cancel the job"
        keep="Let it run"
        busy={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate()}
      >
        {formatCount(job.counts.queued + job.counts.running)} of {formatCount(job.tasks)} tasks are not finished and
        will be stopped. What is done is paid and its results stay; the rest of the {formatTokens(job.priceCap)} tokens
        on hold comes back.
      </Confirm>
    </>
  )
}

export function isOver(job: Pick<JobView, 'status'>): boolean {
  return job.status === 'succeeded' || job.status === 'failed' || job.status === 'cancelled'
}
