import type { Command } from 'commander'
import type { QuotaChange, QuotaView } from '@fog/contract'
import { isId, parseTokens } from '@fog/kernel'
import { addCommand, type Runner, usageFault } from '../command.ts'
import { findUser } from '../find.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { tableText } from '../show/table.ts'
import { grouped } from '../show/words.ts'

interface QuotaFlags extends CommonFlags {
  readonly jobs?: string
  readonly tasks?: string
  readonly cores?: string
  readonly tokensPerDay?: string
}

export function addQuota(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'quota [user]',
    summary: 'Shows how much you may have at a time, or gives a user limits of their own',
    more: `A limit is a number, or default for what the settings say. Naming a user, and setting limits, is for admins.`,
    examples: [
      ['fog quota', 'yours, and what of it is used'],
      ['fog quota ada', "ada's"],
      ['fog quota ada --jobs 10 --cores 4 --tokens-per-day 100', 'set them'],
      ['fog quota ada --cores default', 'as for everybody again'],
    ],
  })
    .option('--jobs <n>', 'jobs that are not over')
    .option('--tasks <n>', 'tasks that are queued or run')
    .option('--cores <n>', 'cores in use at a time')
    .option('--tokens-per-day <n>', 'what jobs of 24 hours may cost at most')
    .action((user: string | undefined, { jobs, tasks, cores, tokensPerDay, ...flags }: QuotaFlags) =>
      runner.run(flags, async (it) => {
        const change = changeOf({ jobs, tasks, cores, tokensPerDay })
        const quota = await askQuota(it, user, change)
        await it.show(quota, () => quotaText(it, quota))
      }),
    )
}

async function askQuota(it: Invocation, user: string | undefined, change: QuotaChange): Promise<QuotaView> {
  const isChange = Object.keys(change).length > 0
  if (user === undefined && isChange) throw usageFault('Say whose limits to set, as in fog quota ada --jobs 10.')
  const fog = await it.fog()
  if (user === undefined) return fog.client.call('getQuota', {})
  const accountId = isId('account', user) ? user : (await findUser(fog, user)).accountId
  if (!isChange) return fog.client.call('getAccountQuota', { params: { accountId } })
  return fog.client.call('setAccountQuota', { params: { accountId }, body: change })
}

function changeOf(flags: {
  readonly jobs: string | undefined
  readonly tasks: string | undefined
  readonly cores: string | undefined
  readonly tokensPerDay: string | undefined
}): QuotaChange {
  const { jobs, tasks, cores, tokensPerDay } = flags
  return {
    ...(jobs !== undefined && { openJobs: limitOf('--jobs', jobs, Number.isInteger) }),
    ...(tasks !== undefined && { openTasks: limitOf('--tasks', tasks, Number.isInteger) }),
    ...(cores !== undefined && { cores: limitOf('--cores', cores, Number.isFinite) }),
    ...(tokensPerDay !== undefined && { tokensPerDay: tokensOf(tokensPerDay) }),
  }
}

function limitOf(flag: string, text: string, isGood: (value: number) => boolean): number | 'default' {
  if (text === 'default') return text
  const value = Number(text)
  if (text.trim() !== '' && isGood(value) && value >= 0) return value
  throw usageFault(`${flag} wants a number from 0 up, or default; it is "${text}".`)
}

function tokensOf(text: string): string {
  if (text !== 'default') parseTokens(text)
  return text
}

function quotaText(it: Invocation, quota: QuotaView): string {
  const columns = [
    { title: 'WHAT' },
    { title: 'USED', align: 'right' },
    { title: 'LIMIT', align: 'right' },
    { title: 'SET' },
  ] as const
  const row = (
    what: string,
    { used, limit, own }: { used: number | string; limit?: number | string; own: boolean },
  ) => [
    what,
    grouped(used),
    limit === undefined ? 'none' : grouped(limit),
    own ? 'for this account' : it.colours.dim('for everybody'),
  ]
  const rows = [
    row('open jobs', quota.openJobs),
    row('open tasks', quota.openTasks),
    row('cores in use', quota.cores),
    row('tokens in 24 hours', quota.tokensPerDay),
  ]
  return tableText(columns, rows, it.colours)
}
