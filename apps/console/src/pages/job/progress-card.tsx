import type { JobView, TaskView } from '@fog/contract'
import { formatCount, formatTokens, percentOf } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { countsSentence, TaskBar } from '../../parts/progress.tsx'
import { Took } from '../../parts/time.tsx'
import { NodeShares } from './node-shares.tsx'
import { TaskMap } from './task-map.tsx'

interface ProgressCardProps {
  readonly job: JobView
  /** Of a job of moderate size. */
  readonly tasks: readonly TaskView[] | undefined
  readonly onOpenTask: (taskId: string) => void
}

const COUNTS = [
  { key: 'done', text: 'Done', dot: 'bg-bar-good' },
  { key: 'running', text: 'Running', dot: 'bg-bar-run' },
  { key: 'queued', text: 'Waiting', dot: 'bg-bar-idle' },
  { key: 'failed', text: 'Failed', dot: 'bg-bar-bad' },
  { key: 'cancelled', text: 'Cancelled', dot: 'bg-bar-warn' },
] as const

/** How far the job is: in percent, in counts, task by task. */
export function ProgressCard({ job, tasks, onOpenTask }: ProgressCardProps) {
  const ended = job.counts.done + job.counts.failed + job.counts.cancelled
  const percent = Math.floor(percentOf(ended, job.tasks))
  return (
    <Card className="flex-1">
      <h2 className="sr-only">Progress</h2>
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-1">
        <p className="figures text-4xl font-semibold tracking-[-0.03em]">
          {percent}
          <span className="ml-0.5 text-xl font-medium text-soft">%</span>
        </p>
        <dl className="figures flex gap-6 text-sm">
          <Aside name="Took" value={<Took from={job.startedAt} to={job.finishedAt} />} />
          <Aside
            name={job.cost === undefined ? 'On hold' : 'Cost'}
            value={`${formatTokens(job.cost ?? job.priceCap)} tokens`}
          />
        </dl>
      </div>
      <div className="mt-3">
        <TaskBar tall counts={job.counts} tasks={job.tasks} label={`Progress of ${job.name}`} />
      </div>
      <p role="status" className="sr-only">
        {spoken(job, percent)}
      </p>
      <ul className="figures mt-3 flex flex-wrap gap-x-5 gap-y-1 text-sm">
        {COUNTS.filter(({ key }) => job.counts[key] > 0 || key === 'done').map(({ key, text, dot }) => (
          <li key={key} className="flex items-center gap-2">
            <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
            <span className="text-soft">{text}</span>
            <span className="font-semibold">{formatCount(job.counts[key])}</span>
          </li>
        ))}
      </ul>
      {tasks && tasks.length > 1 && (
        <div className="mt-4">
          <TaskMap tasks={tasks} onOpen={onOpenTask} />
        </div>
      )}
      {tasks && <NodeShares tasks={tasks} />}
    </Card>
  )
}

function Aside({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div className="text-right">
      <dt className="text-xs text-faint">{name}</dt>
      <dd className="font-medium">{value}</dd>
    </div>
  )
}

// Said at quarters and at the end only: a screen reader is not to count along.
function spoken(job: JobView, percent: number): string {
  if (job.finishedAt !== undefined) return `The job ${job.status}: ${countsSentence(job.counts, job.tasks)}.`
  const quarter = Math.floor(percent / 25) * 25
  return quarter > 0 ? `${quarter} percent of the tasks have ended.` : ''
}
