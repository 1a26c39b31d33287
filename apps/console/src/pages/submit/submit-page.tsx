import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { CalendarClock, ChevronLeft, SendHorizontal } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { ApiError, type JobSubmission } from '@fog/contract'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Failure, Notice } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { useClient } from '../../session/session-context.tsx'
import type { Fault } from './document-text.ts'
import { FilesCard } from './files-card.tsx'
import { JobFields } from './job-fields.tsx'
import { quoteQuery } from './queries.ts'
import { refusalFaults } from './refusal-fields.ts'
import { QuoteCard } from './quote-card.tsx'
import { RepeatCard } from './repeat-card.tsx'
import { type Repeat, repeatFaults, scheduleOf, usualRepeat } from './repeat.ts'
import { TextPane } from './text-pane.tsx'
import { type Draft, useDraft } from './use-draft.ts'
import { useSettled } from './use-settled.ts'

const QUOTE_AFTER_MS = 350

/** Writes a job, by fields or as text, sees what it would cost, and sends it off. */
export function SubmitPage() {
  const client = useClient()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const draft = useDraft()
  const [tried, setTried] = useState(false)
  const { repeat: again = false } = useSearch({ from: '/inside/jobs/new' })
  const [repeat, setRepeat] = useState<Repeat | undefined>(() => (again ? usualRepeat() : undefined))
  const submission = draft.prepared.status === 'ready' ? draft.prepared.submission : undefined
  const settled = useSettled(submission, QUOTE_AFTER_MS)
  const quote = useQuery(quoteQuery(client, settled))
  const submit = useMutation({
    mutationFn: async (body: JobSubmission) => client.call('submitJob', { body }),
    onSuccess: (job) => {
      queries.setQueryData(['jobs', job.jobId, 'view'], job)
      void queries.invalidateQueries({ queryKey: ['jobs', 'list'] })
      void queries.invalidateQueries({ queryKey: ['me'] })
      void navigate({ to: '/jobs/$jobId', params: { jobId: job.jobId } })
    },
  })

  const schedule = useMutation({
    mutationFn: async (body: ReturnType<typeof scheduleOf>) => client.call('addSchedule', { body }),
    onSuccess: ({ scheduleId }) => {
      void queries.invalidateQueries({ queryKey: ['schedules'] })
      void navigate({ to: '/schedules/$scheduleId', params: { scheduleId } })
    },
  })

  const priced = submission ? quote.data : undefined
  const faults = faultsShown(draft, tried, [
    ...serverFaults(quote.error),
    ...serverFaults(submit.error),
    ...serverFaults(schedule.error),
    ...refusalFaults(priced),
  ])
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    setTried(true)
    const form = event.currentTarget
    const isReady = submission && !draft.textFault
    if (isReady && !repeat) submit.mutate(submission)
    else if (isReady && repeat && isEmpty(repeatFaults(repeat, Date.now())))
      schedule.mutate(scheduleOf(repeat, submission))
    else requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  }
  return (
    <Page
      title="Submit a job"
      above={
        <Link to="/jobs" className="inline-flex items-center gap-1 rounded font-medium text-accent hover:underline">
          <ChevronLeft size={15} aria-hidden="true" />
          Jobs
        </Link>
      }
      note="A program, run once for each input, on devices that have time."
    >
      <form
        onSubmit={onSubmit}
        noValidate
        className="grid items-start gap-4 md:gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,25rem)]"
      >
        <div className="min-w-0 space-y-4 md:space-y-5">
          <FilesCard draft={draft} />
          <JobFields draft={draft} faults={faults} />
          <RepeatCard repeat={repeat} onRepeat={setRepeat} />
        </div>
        <div className="min-w-0 space-y-4 md:space-y-5 lg:sticky lg:top-6">
          <Card title="Price" note={`The most it can cost${repeat ? ' each time' : ''}. What is not used comes back.`}>
            <QuoteCard prepared={draft.prepared} quote={priced} asking={quote.isFetching} error={quote.error} />
            <div className="mt-4 space-y-3">
              {tried && <Left draft={draft} faults={faults} />}
              {submit.isError && <Failure error={submit.error} />}
              {schedule.isError && <Failure error={schedule.error} />}
              <Button
                type="submit"
                kind="primary"
                className="w-full"
                busy={submit.isPending || schedule.isPending}
                icon={
                  repeat ? (
                    <CalendarClock size={16} aria-hidden="true" />
                  ) : (
                    <SendHorizontal size={16} aria-hidden="true" />
                  )
                }
              >
                {repeat ? 'Schedule the job' : 'Submit the job'}
              </Button>
            </div>
          </Card>
          <TextPane draft={draft} />
        </div>
      </form>
    </Page>
  )
}

function isEmpty(faults: object): boolean {
  return Object.keys(faults).length === 0
}

// Before the first try, what is merely still empty is not held against anybody.
function faultsShown(draft: Draft, tried: boolean, fromServer: readonly Fault[]): ReadonlyMap<string, string> {
  const faults = draft.prepared.status === 'faulty' ? draft.prepared.faults : []
  const told = tried ? faults : faults.filter(({ field }) => !isUntouched(draft, field))
  return new Map([...told, ...fromServer].map(({ field, text }) => [field, text]))
}

function isUntouched({ form }: Draft, field: string): boolean {
  if (field === 'name') return form.name === ''
  if (field === 'program.file') return form.program === ''
  if (field === 'each') return form.each.kind !== 'once' && Object.values(form.each).slice(1).includes('')
  return false
}

/** Where the server's refusal names a field of the document, it is shown there. */
function serverFaults(error: unknown): Fault[] {
  if (!(error instanceof ApiError) || error.code !== 'request.invalid') return []
  const field = /^The field "(.+)"$/.exec(String(error.problem.facts?.['field']))?.[1]
  return field ? [{ field, text: error.message }] : []
}

function Left({ draft, faults }: { draft: Draft; faults: ReadonlyMap<string, string> }) {
  if (draft.textFault) return <Notice kind="bad">The text of the job cannot be read. {draft.textFault.text}</Notice>
  if (draft.prepared.status === 'uploading')
    return <Notice>Files are still being brought over. Submit again in a moment.</Notice>
  if (draft.prepared.status !== 'faulty') return null
  return (
    <Notice kind="bad">
      <p className="font-medium">Something is still missing:</p>
      <ul className="list-disc pl-5">
        {[...faults.values()].slice(0, 5).map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Notice>
  )
}
