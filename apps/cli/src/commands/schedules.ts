import { type Command, Option } from 'commander'
import type { ScheduleDetailView, ScheduleRunView, ScheduleView } from '@fog/contract'
import { type Fog, pages } from '@fog/sdk'
import { prepareJobFile } from '@fog/sdk/node'
import { addCommand, addGroup, type Runner } from '../command.ts'
import { findAmong } from '../find.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { take } from '../job-lists.ts'
import { refuseSecretSchedule } from '../secret-jobs.ts'
import { factsText, tableText } from '../show/table.ts'
import { agoText, count, plainText, shortId } from '../show/words.ts'

export function addSchedules(program: Command, runner: Runner): void {
  const group = addGroup(program, {
    usage: 'schedule',
    summary: 'Submits jobs again and again, by the clock',
    examples: [
      ['fog schedule add job.yaml --cron "0 3 * * *"', 'three every night, UTC'],
      ['fog schedule list', 'when each is due next, and how it went last'],
      ['fog schedule pause nightly', 'and resume it later'],
    ],
  })
  addAdd(group, runner)
  addList(group, runner)
  addShow(group, runner)
  addStatus(group, runner, 'pause', 'paused', 'Pauses a schedule; what is due meanwhile is left out')
  addStatus(group, runner, 'resume', 'active', 'Resumes a paused schedule')
  addRemove(group, runner)
  addRunNow(group, runner)
}

interface AddFlags extends CommonFlags {
  readonly cron: string
  readonly timezone: string
  readonly name?: string
  readonly catchUp: 'skip' | 'one'
  readonly overlap: 'skip' | 'allow'
}

function addAdd(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'add <document>',
    summary: 'Submits the job of a document whenever a cron pattern is due',
    more: `The document and its files are taken as they are now. The pattern has minute, hour, day of month, month and day of
week. An instant has one job, whatever dies in between. Jobs are paid for when they are submitted; one that cannot be is
left out and noted.`,
    examples: [
      [
        'fog schedule add job.yaml --cron "0 3 * * *" --timezone Europe/Berlin',
        'three every night there, summer and winter',
      ],
      ['fog schedule add job.yaml --cron "*/15 * * * *" --overlap allow', 'even while the one before runs'],
      ['fog schedule add job.yaml --cron "0 6 * * MON" --catch-up one', 'made up for after an outage'],
    ],
  })
    .requiredOption('--cron <pattern>', 'when, in quotes')
    .option('--timezone <name>', 'where the clock hangs', 'UTC')
    .option('--name <name>', 'what it is called; else as the job')
    .addOption(
      new Option('--catch-up <policy>', 'instants that passed while the fog was away')
        .choices(['skip', 'one'])
        .default('skip'),
    )
    .addOption(
      new Option('--overlap <policy>', 'while the job before is not over').choices(['skip', 'allow']).default('skip'),
    )
    .action((file: string, { cron, timezone, name, catchUp, overlap, ...flags }: AddFlags) =>
      runner.run(flags, async (it) => {
        const prepared = await prepareJobFile(file)
        refuseSecretSchedule(prepared)
        const fog = await it.fog()
        const times = { cron, timezone, catchUp, overlap, ...(name !== undefined && { name }) }
        const schedule = await fog.schedule(prepared, times)
        await it.show(schedule, () => `Scheduled ${named(schedule)}: due ${dueText(schedule, it.now())}.`)
      }),
    )
}

function addList(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'list',
    summary: 'Lists your schedules',
    examples: [
      ['fog schedule list', 'when each is due next, and how it went last'],
      ['fog schedule list --all', "everybody's (admins)"],
    ],
  })
    .option('--all', "everybody's schedules (admins)")
    .action(({ all, ...flags }: CommonFlags & { readonly all?: boolean }) =>
      runner.run(flags, async (it) => {
        const schedules = await take(schedulesOf(await it.fog(), all === true))
        await it.show(schedules, () => (schedules.length === 0 ? 'There are no schedules.' : listText(it, schedules)))
      }),
    )
}

function addShow(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'show <schedule>',
    summary: 'Shows a schedule and what became of its latest instants',
    examples: [['fog schedule show nightly', 'by name, or by the beginning of its id']],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const { scheduleId } = await findSchedule(fog, text)
      const detail = await fog.client.call('getSchedule', { params: { scheduleId } })
      await it.show(detail, () => detailText(it, detail))
    }),
  )
}

function addStatus(
  group: Command,
  runner: Runner,
  verb: string,
  status: ScheduleView['status'],
  summary: string,
): void {
  addCommand(group, {
    usage: `${verb} <schedule>`,
    summary,
    examples: [[`fog schedule ${verb} nightly`, 'by name, or by the beginning of its id']],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const { scheduleId } = await findSchedule(fog, text)
      const schedule = await fog.client.call('setSchedule', { params: { scheduleId }, body: { status } })
      const due = status === 'active' ? `, due ${dueText(schedule, it.now())}` : ''
      await it.show(schedule, () => `${named(schedule)} is ${status}${due}.`)
    }),
  )
}

function addRemove(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'remove <schedule>',
    summary: 'Removes a schedule; the jobs it submitted stay',
    examples: [['fog schedule remove nightly', 'by name, or by the beginning of its id']],
  })
    .alias('rm')
    .action((text: string, flags: CommonFlags) =>
      runner.run(flags, async (it) => {
        const fog = await it.fog()
        const schedule = await findSchedule(fog, text)
        await fog.client.call('removeSchedule', { params: { scheduleId: schedule.scheduleId } })
        await it.show({ removed: schedule.scheduleId }, () => `Removed ${named(schedule)}.`)
      }),
    )
}

function addRunNow(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'run-now <schedule>',
    summary: 'Submits the job of a schedule at once; its times stay as they are',
    examples: [['fog schedule run-now nightly', 'to see whether it works']],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const schedule = await findSchedule(fog, text)
      const { scheduleId } = schedule
      const run = await fog.client.call('runSchedule', { params: { scheduleId } })
      await it.show(run, () => `Submitted ${plainText(schedule.name)} as ${run.jobId}.`)
    }),
  )
}

function schedulesOf(fog: Fog, all = false): AsyncGenerator<ScheduleView> {
  return pages((after) => fog.client.call('listSchedules', { query: { limit: 500, ...(all && { all }), ...after } }))
}

async function findSchedule(fog: Fog, text: string): Promise<ScheduleView> {
  return findAmong({ noun: 'schedule', prefix: 'sched' }, text, await take(schedulesOf(fog)), (one) => one.scheduleId)
}

function named({ name, scheduleId }: ScheduleView): string {
  return `${plainText(name)} (${shortId(scheduleId)})`
}

function dueText({ nextAt }: ScheduleView, now: number): string {
  return nextAt === undefined ? 'never again' : `${nextAt} (${agoText(nextAt, now)})`
}

function listText(it: Invocation, schedules: readonly ScheduleView[]): string {
  const columns = [
    { title: 'SCHEDULE' },
    { title: 'NAME' },
    { title: 'CRON' },
    { title: 'TIME ZONE' },
    { title: 'STATUS' },
    { title: 'NEXT' },
    { title: 'LAST' },
  ] as const
  const rows = schedules.map((schedule) => [
    shortId(schedule.scheduleId),
    plainText(schedule.name),
    schedule.cron,
    schedule.timezone,
    schedule.status,
    schedule.nextAt === undefined ? '' : agoText(schedule.nextAt, it.now()),
    schedule.lastRun ? `${outcomeText(it, schedule.lastRun)} ${agoText(schedule.lastRun.at, it.now())}` : '',
  ])
  return tableText(columns, rows, it.colours)
}

function detailText(it: Invocation, { schedule, runs }: ScheduleDetailView): string {
  const facts = [
    ['Schedule', `${it.colours.bold(plainText(schedule.name))}  ${schedule.scheduleId}`],
    ['When', `${schedule.cron}, ${schedule.timezone}`],
    ['Status', schedule.status],
    ['Next', schedule.status === 'active' ? dueText(schedule, it.now()) : undefined],
    ['Missed', schedule.catchUp === 'one' ? 'made up for by one job' : 'left out'],
    ['Overlap', schedule.overlap === 'allow' ? 'allowed' : 'left out while the job before runs'],
  ] as const
  if (runs.length === 0) return `${factsText(facts, it.colours)}\n\nIt has not been due yet.`
  const columns = [{ title: 'DUE' }, { title: 'OUTCOME' }, { title: 'JOB' }, { title: 'WHY' }] as const
  const rows = runs.map((run) => [
    run.dueAt,
    outcomeText(it, run),
    run.jobId === undefined ? '' : shortId(run.jobId),
    plainText(run.reason ?? ''),
  ])
  const latest = `${count(runs.length, 'latest instant')}:`
  return `${factsText(facts, it.colours)}\n\n${it.colours.dim(latest)}\n${tableText(columns, rows, it.colours)}`
}

function outcomeText(it: Invocation, { outcome }: ScheduleRunView): string {
  if (outcome === 'submitted') return it.colours.green(outcome)
  return outcome === 'refused' ? it.colours.red(outcome) : it.colours.yellow(outcome)
}
