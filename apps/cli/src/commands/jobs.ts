import { type Command, Option } from 'commander'
import type { JobView } from '@fog/contract'
import { type Fog, pages } from '@fog/sdk'
import { addCommand, type Runner, wholeNumber } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findJobId, findTask } from '../find.ts'
import { fetchShowing } from '../follow-job.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { failuresOf, JOB_STATUSES, take, TASK_STATUSES, tasksWith } from '../job-lists.ts'
import { jobFactsText, jobsText, receiptText, tasksText, whyText } from '../show/job-texts.ts'
import { count, plainText, shortId } from '../show/words.ts'

interface PsFlags extends CommonFlags {
  readonly all?: boolean
  readonly status?: string
  readonly limit: number
}

export function addPs(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'ps [job]',
    summary: 'Lists your jobs, or one job with its tasks',
    examples: [
      ['fog ps', 'your latest jobs'],
      ['fog ps --status running --all', 'all that run, of everybody (admins)'],
      ['fog ps job_01kax9p2qm7e', 'one job and its tasks; the beginning of its id is enough'],
      ['fog ps job_01kax9p2qm7e --status failed', 'only its failed tasks'],
    ],
  })
    .option('--all', "everybody's jobs (admins)")
    .addOption(new Option('--status <status>', 'only these').choices([...new Set([...JOB_STATUSES, ...TASK_STATUSES])]))
    .addOption(wholeNumber('--limit <n>', 'how many at most', { min: 1, max: 100_000 }).default(50))
    .action((job: string | undefined, flags: PsFlags) =>
      runner.run(flags, (it) => (job === undefined ? listJobs(it, flags) : showJob(it, job, flags))),
    )
}

async function listJobs(it: Invocation, { all = false, status, limit }: PsFlags): Promise<void> {
  const fog = await it.fog()
  const known = JOB_STATUSES.find((each) => each === status)
  const query = { limit: Math.min(limit, 500), ...(all && { all }), ...(known && { status: known }) }
  let isWithheld = false
  const read = async (after: { readonly after?: string }) => {
    const jobsPage = await fog.client.call('listJobs', { query: { ...query, ...after } })
    isWithheld ||= jobsPage.withheld === true
    return jobsPage
  }
  const jobs = await take(pages(read), limit)
  if (isWithheld)
    await it.note('Secret jobs are left out, as the fog was asked directly: see them with `fog --mixnet ps`.')
  await it.show(jobs, () => (jobs.length === 0 ? 'There are no jobs.' : jobsText(jobs, it.now(), it.colours)))
}

async function showJob(it: Invocation, text: string, { status, limit }: PsFlags): Promise<void> {
  const fog = await it.fog()
  const jobId = await findJobId(fog, text)
  const job = await fog.client.call('getJob', { params: { jobId } })
  const tasks = await take(tasksWith(fog, jobId, status), limit)
  await it.show({ job, tasks }, () => {
    const more =
      status === undefined && job.tasks > tasks.length
        ? `\n… and ${count(job.tasks - tasks.length, 'more task')}; see them with --limit`
        : ''
    const list = tasks.length === 0 ? '' : `\n\n${tasksText(tasks, it.now(), it.colours)}${more}`
    return `${jobFactsText(job, it.now(), it.colours)}${list}`
  })
}

interface LogsFlags extends CommonFlags {
  readonly follow?: boolean
}

export function addLogs(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'logs <task>',
    summary: 'Shows what a task has printed',
    more: 'Name a task by its id or as JOB:INDEX; a job alone shows all its tasks, one after the other.',
    examples: [
      ['fog logs job_01kax9p2qm7e', 'of a job with one task, or of all its tasks'],
      ['fog logs -f job_01kax9p2qm7e:3', 'the fourth task, as it goes on'],
      ['fog logs job_01kax9p2qm7e:3 2> errors.txt', 'its stderr goes to stderr'],
    ],
  })
    .option('-f, --follow', 'go on until it is over')
    .action((text: string, flags: LogsFlags) =>
      runner.run(flags, (it) =>
        it.interruptible(
          (signal) => showLogs(it, text, { follow: flags.follow ?? false, signal }),
          () => 'Left the log; the task goes on.',
        ),
      ),
    )
}

interface LogReading {
  readonly follow: boolean
  readonly signal: AbortSignal
}

async function showLogs(it: Invocation, text: string, reading: LogReading): Promise<void> {
  const fog = await it.fog()
  if (/:\d+$/.test(text) || text.startsWith('task_'))
    return showLog(it, fog, (await findTask(fog, text)).taskId, reading)
  const jobId = await findJobId(fog, text)
  for await (const task of fog.tasks(jobId)) {
    const isOnly = task.index === 0 && (await fog.taskAt(jobId, 1)) === undefined
    if (!isOnly && !it.json) await it.note(`==> task ${task.index} ${plainText(task.item)} <==`)
    await showLog(it, fog, task.taskId, reading)
  }
}

async function showLog(it: Invocation, fog: Fog, taskId: string, reading: LogReading): Promise<void> {
  const { dim } = it.sideColours()
  for await (const chunk of fog.logs(taskId, reading)) {
    if (it.json) await it.showNext({ taskId, ...chunk }, () => '')
    else if (chunk.stream === 'stdout') await it.terminal.stdout.write(chunk.text)
    else await it.terminal.stderr.write(chunk.stream === 'system' ? dim(chunk.text) : chunk.text)
  }
}

export function addGet(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'get <job> [folder]',
    summary: 'Fetches the results of a job, each file checked by its hash',
    more: 'One task goes straight into the folder, each of many into INDEX-ITEM/ of it, of a job of several steps into STEP/. Ends with 1 when the job has failed tasks.',
    examples: [
      ['fog get job_01kax9p2qm7e', 'into a folder named after the job'],
      ['fog get job_01kax9p2qm7e results', 'into results/'],
    ],
  }).action((text: string, folder: string | undefined, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const job = await fog.client.call('getJob', { params: { jobId: await findJobId(fog, text) } })
      const target = folder ?? folderOf(job)
      const files = await fetchShowing(it, fog, job, target)
      const { counts, tasks } = job
      await it.show({ jobId: job.jobId, folder: target, files, tasks, done: counts.done, failed: counts.failed }, () =>
        resultsText(job, target),
      )
      return counts.failed > 0 ? EXIT.failed : EXIT.ok
    }),
  )
}

function resultsText({ counts, tasks }: JobView, folder: string): string {
  const open = counts.queued + counts.running
  const missing = [
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(open > 0 ? [`${open} not over yet`] : []),
  ]
  return `Results of ${counts.done} of ${count(tasks, 'task')} are in ${folder}${missing.length > 0 ? `; ${missing.join(', ')}` : ''}.`
}

function folderOf({ name, jobId }: JobView): string {
  const clean = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/, '')
  return `${clean === '' ? 'job' : clean.slice(0, 60)}-${shortId(jobId).slice('job_'.length)}`
}

export function addWhy(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'why <job>',
    summary: 'Says why tasks of a job wait, or why they failed',
    examples: [['fog why job_01kax9p2qm7e', 'the most telling reason first']],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const job = await fog.client.call('getJob', { params: { jobId: await findJobId(fog, text) } })
      const waiting = await fog.client.call('explainJob', { params: { jobId: job.jobId } })
      const failed = job.counts.failed > 0 ? (await failuresOf(fog, job)).reasons : []
      const why = { ...waiting, reasons: [...waiting.reasons, ...failed] }
      await it.show(why, () => whyText(why, it.colours))
    }),
  )
}

export function addCancel(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'cancel <job>',
    summary: 'Cancels a job; what is done is paid, the rest comes back',
    examples: [['fog cancel job_01kax9p2qm7e', 'its results so far stay']],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const job = await fog.client.call('cancelJob', { params: { jobId: await findJobId(fog, text) } })
      await it.show(
        job,
        () => `Cancelled ${plainText(job.name)} with ${job.counts.done} of ${count(job.tasks, 'task')} done.`,
      )
    }),
  )
}

export function addReceipt(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'receipt <job>',
    summary: 'Shows who ran a job, how long, what it used and what it cost',
    examples: [['fog receipt job_01kax9p2qm7e', 'held, paid, returned']],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const receipt = await fog.receipt(await findJobId(fog, text))
      await it.show(receipt, () => receiptText(receipt, it.colours))
    }),
  )
}
