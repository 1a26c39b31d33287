import type { EventType, EventView } from '@fog/contract'
import { countOf, formatFuel, formatTokens, sentenceOf, shortId } from '../format/format.ts'
import type { Tone } from '../parts/badge.tsx'

/** One line of the feed as people read it: several like events of one job become one line. */
export interface FeedLine {
  readonly key: string
  readonly type: string
  readonly at: string
  readonly count: number
  readonly jobId: string | undefined
  readonly nodeId: string | undefined
  readonly text: string
  readonly tone: Tone
}

const TONES: Readonly<Partial<Record<EventType, Tone>>> = {
  'job.queued': 'accent',
  'job.started': 'run',
  'job.succeeded': 'good',
  'job.failed': 'bad',
  'job.cancelled': 'warn',
  'job.settled': 'accent',
  'job.credited': 'accent',
  'step.done': 'good',
  'step.failed': 'bad',
  'task.placed': 'run',
  'task.started': 'run',
  'task.done': 'good',
  'task.failed': 'bad',
  'task.checkpointed': 'run',
  'task.requeued': 'warn',
  'task.yielding': 'warn',
  'task.preempted': 'warn',
  'task.promise_broken': 'bad',
  'task.cancelled': 'warn',
  'node.enrolled': 'accent',
  'node.connected': 'good',
  'mixnet.consensus_published': 'good',
  'mixnet.node_listed': 'accent',
  'mixnet.node_unlisted': 'warn',
  'mixnet.node_admitted': 'accent',
  'mixnet.node_revoked': 'warn',
  'mixnet.evidence_found': 'bad',
  'schedule.submitted': 'accent',
  'schedule.refused': 'bad',
  'schedule.overlapped': 'warn',
  'schedule.missed': 'warn',
  'account.changed': 'accent',
}

// A consensus tells of every node that came or went.
const GROUPED: ReadonlySet<string> = new Set(['mixnet.node_listed', 'mixnet.node_unlisted'])

/** The newest `most` lines of a feed, newest first. Pure. */
export function linesOf(events: readonly EventView[], most: number, names: ReadonlyMap<string, string>): FeedLine[] {
  const lines: { first: EventView; count: number }[] = []
  // Only within one run of such events: a line may not jump over what happened in between.
  let run = new Map<string, { first: EventView; count: number }>()
  for (const event of events) {
    if (event.type === 'task.logged' || event.type === 'account.changed') continue
    const isGrouped = event.type.startsWith('task.') || GROUPED.has(event.type)
    if (!isGrouped) run = new Map()
    const name = `${event.type} ${event.jobId ?? ''}`
    const known = isGrouped ? run.get(name) : undefined
    if (known) known.count += 1
    else if (lines.length === most) break
    else {
      const line = { first: event, count: 1 }
      lines.push(line)
      if (isGrouped) run.set(name, line)
    }
  }
  return lines.map(({ first, count }) => lineOf(first, count, names.get(first.jobId ?? '')))
}

function lineOf(event: EventView, count: number, job: string | undefined): FeedLine {
  return {
    key: `${event.type} ${event.jobId ?? event.nodeId ?? ''} ${event.cursor}`,
    type: event.type,
    at: event.at,
    count,
    jobId: event.jobId,
    nodeId: event.nodeId,
    text: sentence(event, count, job),
    tone: TONES[event.type as EventType] ?? 'idle',
  }
}

/** What an event says, in a sentence. `job` is its job's name, where it is known. Types nobody taught the console read as words. */
export function sentence({ type, data }: EventView, count = 1, job?: string): string {
  const of = (name: string) => (data[name] === undefined ? '' : String(data[name]))
  const aJob = job ?? 'A job'
  const aDevice = of('name') || 'A device'
  const tasks = joined(count === 1 ? taskOf(data['index']) : countOf(count, 'task'), job !== undefined && `of ${job}`)
  const alone = (text: string) => count === 1 && text
  switch (type as EventType) {
    case 'job.queued':
      return joined(of('name') || aJob, 'was submitted', of('tasks') && `with ${countOf(Number(of('tasks')), 'task')}`)
    case 'job.started':
      return `${aJob} started`
    case 'job.succeeded':
      return joined(aJob, of('done') ? `is done: ${countOf(Number(of('done')), 'task')}` : 'is done')
    case 'job.failed':
      return joined(aJob, 'failed', of('reason') && `because of ${words(of('reason'))}`)
    case 'job.cancelled':
      return `${aJob} was cancelled`
    case 'job.settled':
      return joined(aJob, 'was settled', of('cost') && `for ${formatTokens(of('cost'))} tokens`)
    case 'job.credited':
      return joined(aJob, `was credited ${formatTokens(of('paid') || '0')} tokens`)
    case 'step.done':
      return `Step ${of('step')} of ${aJob} is done`
    case 'step.failed':
      return `${countOf(Number(of('tasks')), 'task')} of step ${of('step')} failed with one that ${Number(of('tasks')) === 1 ? 'it' : 'they'} needed`
    case 'task.placed':
      return joined(tasks, count === 1 ? 'was placed' : 'were placed', alone(of('node') && `on ${of('node')}`))
    case 'task.started':
      return joined(tasks, 'started', alone(of('node') && `on ${of('node')}`))
    case 'task.done':
      return joined(tasks, 'done', alone(of('fuel') && `with ${formatFuel(of('fuel'))} fuel`))
    case 'task.failed':
      return joined(tasks, 'failed', alone(of('reason') && `because of ${words(of('reason'))}`))
    case 'task.checkpointed':
      return joined(tasks, 'kept', count === 1 ? 'its' : 'their', 'progress')
    case 'task.requeued':
      return joined(tasks, 'went back to the queue')
    case 'task.yielding':
      return joined(tasks, count === 1 ? 'makes' : 'make', 'room', alone(of('why') && `(${of('why')})`))
    case 'task.preempted':
      return joined(
        tasks,
        'made room and',
        count === 1 ? 'waits' : 'wait',
        'again',
        alone(of('why') && `(${of('why')})`),
      )
    case 'task.promise_broken':
      return joined(tasks, BROKEN[of('promise')] ?? 'had a promise of the tier broken')
    case 'task.cancelled':
      return joined(tasks, 'cancelled')
    case 'node.enrolled':
      return `${aDevice} joined`
    case 'node.connected':
      return `${aDevice} is connected`
    case 'node.state_changed':
      return joined(aDevice, `is ${of('state') || 'in another state'}`, of('reason') && `(${of('reason')})`)
    case 'mixnet.consensus_published':
      return `The mixnet agreed on epoch ${of('epoch')}: ${countOf(Number(of('nodes')), 'node')}`
    case 'mixnet.node_listed':
      return joined(mixNodes(data['identityKey'], count), count === 1 ? 'is' : 'are', 'in the mixnet')
    case 'mixnet.node_unlisted':
      return joined(mixNodes(data['identityKey'], count), count === 1 ? 'is' : 'are', 'no longer in the mixnet')
    case 'mixnet.node_admitted':
      return `${of('name') || 'A mix node'} may mix`
    case 'mixnet.node_revoked':
      return `${of('name') || 'A mix node'} may not mix any more`
    case 'mixnet.evidence_found':
      return `A key of the mixnet signed two ${of('kind') || 'thing'}s that contradict each other, in epoch ${of('epoch')}`
    case 'schedule.submitted':
      return `The schedule ${of('name')} submitted its job`
    case 'schedule.refused':
      return `The job of the schedule ${of('name')} was not taken: ${of('reason')}`
    case 'schedule.overlapped':
      return `The schedule ${of('name')} left one out: the job before is not over`
    case 'schedule.missed':
      return `The schedule ${of('name')} missed an instant`
    default:
      return sentenceOf(type)
  }
}

const BROKEN: Readonly<Record<string, string>> = {
  queue_wait: 'waited longer than the tier promises',
  restart: 'ran again later than the tier promises',
  run_stretch: 'ran longer than the tier promises',
}

/** Names of jobs, from what the feed said of them. */
export function jobNamesIn(events: readonly EventView[]): Map<string, string> {
  const named = events.filter(
    ({ type, jobId, data }) => type === 'job.queued' && jobId !== undefined && typeof data['name'] === 'string',
  )
  return new Map(named.map(({ jobId, data }) => [jobId!, String(data['name'])]))
}

function taskOf(index: string | number | boolean | undefined): string {
  return index === undefined ? 'A task' : `Task ${String(index)}`
}

function mixNodes(key: string | number | boolean | undefined, count: number): string {
  return count === 1 ? `Mix node ${shortId(String(key ?? ''))}` : countOf(count, 'mix node')
}

function words(code: string): string {
  return code.replaceAll('_', ' ')
}

function joined(...parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== '' && part !== false).join(' ')
}
