import type { JobView, QuoteView, ReceiptView, TaskView, WhyView } from '@fog/contract'
import { type Colours, paintState } from './colours.ts'
import { factsText, tableText } from './table.ts'
import { agoText, bytesText, count, durationText, grouped, plainText, shortId } from './words.ts'

/** Jobs, tasks and their money, as text. */

export function jobsText(jobs: readonly JobView[], now: number, colours: Colours): string {
  const columns = [
    { title: 'JOB' },
    { title: 'NAME' },
    { title: 'STATUS' },
    { title: 'DONE', align: 'right' },
    { title: 'TIER' },
    { title: 'COST', align: 'right' },
    { title: 'SUBMITTED' },
    { title: 'TOOK' },
  ] as const
  const rows = jobs.map((job) => [
    shortId(job.jobId),
    plainText(job.name),
    paintState(job.status, colours),
    `${job.counts.done}/${job.tasks}`,
    job.tier,
    job.cost ?? colours.dim(`≤ ${job.priceCap}`),
    agoText(job.submittedAt, now),
    tookText(job, now),
  ])
  return tableText(columns, rows, colours)
}

export function jobFactsText(job: JobView, now: number, colours: Colours): string {
  const { counts, limits } = job
  const parts = (['done', 'running', 'queued', 'failed', 'cancelled'] as const).filter((name) => counts[name] > 0)
  const facts = [
    ['Job', `${colours.bold(plainText(job.name))}  ${job.jobId}`],
    ['Status', paintState(job.status, colours)],
    ['Failure', job.failure],
    ['Tasks', `${job.tasks}: ${parts.map((name) => `${counts[name]} ${name}`).join(', ')}`],
    ['Each has', `${count(limits.cores, 'core')}, ${bytesText(limits.memoryBytes)} of memory, ${limits.wallSeconds} s`],
    ['Tier', `${job.tier}, ${job.privacy}, ${job.routing}`],
    ['Credit', job.credit === undefined ? undefined : `${job.credit} for promises that were not kept`],
    ['Price', job.cost === undefined ? `at most ${job.priceCap}` : `${job.cost} of at most ${job.priceCap}`],
    ['Deadline', job.deadline === undefined ? undefined : `${job.deadline} (${agoText(job.deadline, now)})`],
    [
      'Submitted',
      `${agoText(job.submittedAt, now)}${job.startedAt === undefined ? '' : `, took ${tookText(job, now)}`}`,
    ],
  ] as const
  const steps = job.steps === undefined ? '' : `\n\n${stepsText(job.steps, colours)}`
  return `${factsText(facts, colours)}${steps}`
}

/** How each step stands. */
function stepsText(steps: NonNullable<JobView['steps']>, colours: Colours): string {
  const columns = [
    { title: 'STEP' },
    { title: 'STATUS' },
    { title: 'DONE', align: 'right' },
    { title: 'NEEDS' },
    { title: 'TASKS' },
  ] as const
  const rows = steps.map(({ name, tasks, waiting, counts, needs }) => {
    const queued = counts.queued - waiting
    const parts = [
      [counts.running, 'running'],
      [queued, 'queued'],
      [waiting, 'waiting'],
      [counts.failed, 'failed'],
      [counts.cancelled, 'cancelled'],
    ] as const
    const open = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
    return [
      name,
      paintState(stepStatus({ tasks, waiting, counts }), colours),
      `${counts.done}/${tasks}`,
      needs.join(', '),
      open.join(', '),
    ]
  })
  return tableText(columns, rows, colours)
}

function stepStatus({
  tasks,
  waiting,
  counts,
}: Pick<NonNullable<JobView['steps']>[number], 'tasks' | 'waiting' | 'counts'>) {
  if (counts.running > 0) return 'running'
  if (waiting > 0 && waiting === counts.queued && counts.done === 0) return 'waiting'
  if (counts.queued > 0) return counts.done > 0 ? 'running' : 'queued'
  if (counts.failed > 0) return 'failed'
  return counts.done === tasks ? 'done' : 'cancelled'
}

export function tasksText(tasks: readonly TaskView[], now: number, colours: Colours): string {
  const kept = tasks.map((task) => keptText(task, now))
  const columns = [
    { title: 'INDEX', align: 'right' },
    ...(tasks.some(({ step }) => step) ? [{ title: 'STEP' }] : []),
    { title: 'ITEM' },
    { title: 'STATUS' },
    { title: 'NODE' },
    { title: 'TOOK' },
    { title: 'TRIES', align: 'right' },
    ...(kept.some(Boolean) ? [{ title: 'CHECKPOINT' }] : []),
    { title: 'WHY' },
  ] as const
  const rows = tasks.map((task, i) => [
    String(task.index),
    ...(tasks.some(({ step }) => step) ? [task.step?.name ?? ''] : []),
    plainText(task.item),
    paintState(task.waitsFor === undefined ? task.status : 'waiting', colours),
    plainText(task.nodeName ?? ''),
    tookText(task, now),
    String(task.attempts),
    ...(kept.some(Boolean) ? [kept[i]!] : []),
    plainText(task.failure?.reason ?? ''),
  ])
  return tableText(columns, rows, colours)
}

/** How far its last try came, and from where it went on. */
function keptText({ checkpoint, resumedFrom }: TaskView, now: number): string {
  const from = resumedFrom && `went on from ${bytesText(resumedFrom.bytes)}`
  const last = checkpoint && `${bytesText(checkpoint.bytes)}, ${agoText(checkpoint.at, now)}`
  return [from, last].filter((part) => part !== undefined).join('; ')
}

/** Who ran it, how long, what it used and what it cost. */
export function receiptText(receipt: ReceiptView, colours: Colours): string {
  const took =
    receipt.finishedAt === undefined
      ? undefined
      : durationText(Date.parse(receipt.finishedAt) - Date.parse(receipt.submittedAt))
  const facts = [
    ['Job', `${colours.bold(plainText(receipt.name))}  ${receipt.jobId}`],
    ['Status', `${paintState(receipt.status, colours)}, ${resultsText(receipt)}`],
    ['Took', took],
    ['CPU', durationText(receipt.cpuMs)],
    ['Fuel', grouped(receipt.fuel)],
    ['Price', `${receipt.unitPrice} tokens for 10^9 fuel`],
    ['Held', receipt.held],
    [
      'Cost',
      `${colours.bold(receipt.cost)}, of it ${receipt.fee} to the treasury${receipt.settled ? '' : ' (so far)'}`,
    ],
    ['Returned', receipt.settled ? receipt.returned : 'when the job is settled'],
    ['Credit', receipt.credit && creditText(receipt.credit, receipt.settled)],
  ] as const
  return `${factsText(facts, colours)}\n\n${linesText(receipt.lines, colours)}`
}

function creditText(credit: NonNullable<ReceiptView['credit']>, settled: boolean): string {
  const { due, owed, percent, tasks, broken } = credit
  const kinds = broken.map((kind) => BROKEN[kind]).join(', ')
  const paid = settled ? (Number(owed) > 0 ? `, ${owed} of it owed until the treasury has it` : '') : ' so far'
  return `${due}${paid}: ${percent} % of the price of ${count(tasks, 'task')} (${kinds})`
}

const BROKEN: Readonly<Record<NonNullable<ReceiptView['credit']>['broken'][number], string>> = {
  queue_wait: 'begun too late',
  restart: 'restarted too late',
  run_stretch: 'run too slowly',
}

function resultsText({ tasks, done, failed }: ReceiptView): string {
  return `${done} of ${count(tasks, 'task')} done${failed > 0 ? `, ${failed} failed` : ''}`
}

function linesText(lines: ReceiptView['lines'], colours: Colours): string {
  if (lines.length === 0) return 'No node was paid.'
  const columns = [
    { title: 'NODE' },
    { title: 'OWNER' },
    { title: 'TASKS', align: 'right' },
    { title: 'FUEL', align: 'right' },
    { title: 'CPU', align: 'right' },
    { title: 'PAID', align: 'right' },
  ] as const
  const rows = lines.map((line) => [
    plainText(line.nodeName),
    shortId(line.ownerId),
    line.checkpointedFuel === undefined ? String(line.tasks) : `${line.tasks} + part`,
    grouped(line.fuel),
    durationText(line.cpuMs),
    line.paid,
  ])
  return tableText(columns, rows, colours)
}

export function quoteText(quote: QuoteView, colours: Colours): string {
  const facts = [
    ['Tasks', grouped(quote.tasks)],
    ['Deadline', quote.deadline],
    ['At most', `${colours.bold(quote.priceCap)} tokens, ${quote.perTask} a task; what is not used comes back`],
    ['Price', `${quote.unitPrice} tokens for 10^9 fuel`],
    ['Fuel', `${grouped(quote.fuelPerTask)} a task at most`],
    ['Runs', foreseenText(quote)],
    ['Results', quote.quorum > 1 ? `${quote.quorum} must agree on each task` : 'one of each task counts'],
    ['You have', `${quote.available} tokens${quote.affordable ? '' : colours.red(', which is not enough')}`],
  ] as const
  const steps = quote.steps === undefined ? '' : `\n\n${quotedStepsText(quote.steps, colours)}`
  const refusals = quote.refusals.map(({ text }) => `${colours.red('✗')} ${text}`)
  const verdict = refusals.length === 0 ? [`${colours.green('✓')} The fog would take it.`] : refusals
  return `${factsText(facts, colours)}${steps}\n\n${verdict.join('\n')}`
}

function quotedStepsText(steps: NonNullable<QuoteView['steps']>, colours: Colours): string {
  const columns = [
    { title: 'STEP' },
    { title: 'TASKS', align: 'right' },
    { title: 'A TASK', align: 'right' },
    { title: 'AT MOST', align: 'right' },
    { title: 'RESULTS', align: 'right' },
  ] as const
  const rows = steps.map((step) => [step.name, grouped(step.tasks), step.perTask, step.priceCap, String(step.quorum)])
  return tableText(columns, rows, colours)
}

/** What past runs of the program tell, for people. */
function foreseenText({ foreseenSeconds: seconds }: Pick<WhyView, 'foreseenSeconds'>): string {
  return seconds === undefined ? 'unknown: too few are known' : `about ${durationText(seconds * 1000)} a task`
}

export function whyText(why: WhyView, colours: Colours): string {
  const { jobId, status, reasons } = why
  if (reasons.length > 0) {
    const lines = reasons.map(({ text, tasks }) => `${colours.dim(`${count(tasks, 'task')}:`)} ${plainText(text)}`)
    const isKnown = why.foreseenSeconds !== undefined && (status === 'queued' || status === 'running')
    return [...lines, ...(isKnown ? [colours.dim(`A run takes ${foreseenText(why)}.`)] : [])].join('\n')
  }
  return status === 'queued' || status === 'running'
    ? `Nothing holds ${shortId(jobId)} up: its tasks are running or about to.`
    : `${shortId(jobId)} has ${status}; nothing of it waits.`
}

function tookText(
  { startedAt, finishedAt }: { readonly startedAt?: string; readonly finishedAt?: string },
  now: number,
): string {
  if (startedAt === undefined) return ''
  const end = finishedAt === undefined ? now : Date.parse(finishedAt)
  return durationText(end - Date.parse(startedAt))
}
