import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { AttemptView, TaskDetailView } from '@fog/contract'
import { formatBytes, formatDuration, formatFuel } from '../../format/format.ts'
import { Badge, State, type Tone, WorkState } from '../../parts/badge.tsx'
import { Card, Facts } from '../../parts/card.tsx'
import { IdText } from '../../parts/copy.tsx'
import { Sheet } from '../../parts/dialog.tsx'
import { Failure, Loading, Notice } from '../../parts/notice.tsx'
import { Ago, Took } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { FileLine } from './file-line.tsx'
import { LogView } from './log-view.tsx'
import { logsQuery, taskQuery } from './queries.ts'
import { filesShown } from './results-part.tsx'

/** One task from close by: its tries, what it printed, what it made. */
export function TaskSheet({ taskId: chosen, onClose }: { taskId: string | undefined; onClose: () => void }) {
  const taskId = useLatest(chosen)
  const client = useClient()
  const queries = useQueryClient()
  const open = chosen !== undefined
  const detail = useQuery({ ...taskQuery(client, taskId ?? ''), enabled: open })
  const logs = useQuery({ ...logsQuery(client, queries, taskId ?? ''), enabled: open })
  const task = detail.data?.task
  return (
    <Sheet
      open={open}
      onClose={onClose}
      title={task ? (task.item === '' ? `Task ${task.index}` : task.item) : 'Task'}
      note={
        task && (
          <span className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1">
            <WorkState status={task.status} />
            <span className="figures">
              <Took from={task.startedAt} to={task.finishedAt} />
            </span>
            <IdText id={task.taskId} />
          </span>
        )
      }
    >
      {detail.isError && <Failure error={detail.error} retry={() => void detail.refetch()} />}
      {!detail.data && !detail.isError && <Loading label="Loading the task" />}
      {detail.data && <TaskBody detail={detail.data} />}
      {detail.data && (
        <Card
          title="Log"
          note={task?.status === 'running' ? 'Live, as the task prints it.' : 'What the task has printed.'}
        >
          {logs.isError && <Failure error={logs.error} retry={() => void logs.refetch()} />}
          {logs.data ? (
            <LogView chunks={logs.data} attempts={detail.data.attempts} />
          ) : (
            !logs.isError && <Loading lines={3} label="Loading the log" />
          )}
        </Card>
      )}
    </Sheet>
  )
}

// While the sheet slides out it still shows what it showed.
function useLatest(taskId: string | undefined): string | undefined {
  const [latest, setLatest] = useState(taskId)
  if (taskId !== undefined && taskId !== latest) setLatest(taskId)
  return taskId ?? latest
}

function TaskBody({ detail }: { detail: TaskDetailView }) {
  const { task, attempts, result } = detail
  const files = result ? filesShown(result) : []
  return (
    <>
      {task.failure && <Notice kind="bad">{task.failure.sentence}</Notice>}
      {result && (
        <Card
          title="Result"
          note={result.exitCode === undefined ? undefined : `The program ended with code ${result.exitCode}.`}
        >
          {files.length === 0 ? (
            <p className="text-sm text-soft">The program ended well and left no files.</p>
          ) : (
            <ul className="space-y-1">
              {files.map((file, place) => (
                <li key={file.path}>
                  <FileLine {...file} openAtFirst={place === 0 && file.size < 4 * 1024 * 1024} />
                </li>
              ))}
            </ul>
          )}
        </Card>
      )}
      <Card
        title={attempts.length === 1 ? 'One try' : `${attempts.length} tries`}
        note={attempts.length === 0 ? 'No node has had it yet.' : undefined}
      >
        <ol className="space-y-5">
          {attempts.map((attempt) => (
            <li key={attempt.attemptId}>
              <Attempt attempt={attempt} succeeded={task.status === 'done'} />
            </li>
          ))}
        </ol>
      </Card>
    </>
  )
}

function known(value: number | undefined, text: (value: number) => string): string | undefined {
  return value === undefined ? undefined : text(value)
}

const WORDS: Readonly<Record<AttemptView['status'], string>> = {
  leased: 'given out',
  running: 'running',
  reported: 'reported',
  lost: 'lost',
  returned: 'given back',
  cancelled: 'cancelled',
  preempted: 'made room',
}
const TONES: Readonly<Record<AttemptView['status'], Tone>> = {
  leased: 'idle',
  running: 'run',
  reported: 'accent',
  lost: 'bad',
  returned: 'warn',
  cancelled: 'warn',
  preempted: 'warn',
}

function Checkpoint({ kept }: { kept: NonNullable<AttemptView['checkpoint']> }) {
  return (
    <>
      {formatBytes(kept.bytes)}, after {formatFuel(kept.fuel)} instructions, <Ago at={kept.at} />
    </>
  )
}

// A failure that was believed is accepted too; the word is kept for results.
function Attempt({ attempt, succeeded }: { attempt: AttemptView; succeeded: boolean }) {
  const { fuel, cpuMs, peakMemoryBytes, exitCode, digest, note, resumedFrom: from, checkpoint: kept } = attempt
  const facts: readonly (readonly [string, React.ReactNode])[] = [
    ['Given out', <Ago key="leased" at={attempt.leasedAt} />],
    ['Ran for', <Took key="took" from={attempt.startedAt} to={attempt.endedAt} />],
    ['Went on from', from && `${formatBytes(from.bytes)}, ${formatFuel(from.fuel)} instructions done before`],
    ['Checkpoint', kept && <Checkpoint key="kept" kept={kept} />],
    ['Fuel', fuel === undefined ? undefined : `${formatFuel(fuel)} instructions`],
    ['CPU time', known(cpuMs, formatDuration)],
    ['Most memory', known(peakMemoryBytes, formatBytes)],
    ['Exit code', exitCode],
    ['Result digest', digest && <IdText key="digest" id={digest} />],
    ['Signature', attempt.signature && <IdText key="signature" id={attempt.signature} />],
    ['Note', note],
  ]
  return (
    <>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <span className="font-medium">{attempt.nodeName}</span>
        <State tone={TONES[attempt.status]} live={attempt.status === 'running'}>
          {WORDS[attempt.status]}
        </State>
        {attempt.accepted && succeeded && <Badge tone="good">accepted</Badge>}
      </div>
      <Facts facts={facts.filter(([, value]) => value !== undefined && value !== '')} />
    </>
  )
}
