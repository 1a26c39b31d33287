import { type Command, Option } from 'commander'
import type { UserView } from '@fog/contract'
import { parseTokens } from '@fog/kernel'
import { askNewPassword } from '../ask.ts'
import { addCommand, addGroup, type Runner } from '../command.ts'
import { allUsers, findUser } from '../find.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { take } from '../job-lists.ts'
import { tableText } from '../show/table.ts'
import { agoText, shortId } from '../show/words.ts'

export function addUsers(program: Command, runner: Runner): void {
  const group = addGroup(program, {
    usage: 'user',
    summary: 'Adds, lists and locks out users (admins)',
    examples: [
      ['fog user add ada --grant 500', 'asks for a first password'],
      ['fog user disable ada', 'ends her log-ins at once'],
    ],
  })
  addAdd(group, runner)
  addList(group, runner)
  addChange(
    group,
    runner,
    'disable',
    'Ends all log-ins of a user and lets nobody in',
    { status: 'disabled' },
    'is disabled',
  )
  addChange(group, runner, 'enable', 'Lets a disabled user in again', { status: 'active' }, 'may log in again')
  addChange(
    group,
    runner,
    'unlock',
    'Takes away the lock after too many wrong passwords',
    { unlock: true },
    'is not locked any more',
  )
}

interface AddFlags extends CommonFlags {
  readonly role: 'admin' | 'member'
  readonly grant?: string
  readonly passwordStdin?: boolean
}

function addAdd(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'add <name>',
    summary: 'Adds a user',
    examples: [
      ['fog user add ada --grant 500', 'with 500 tokens to begin with'],
      ['fog user add bob --role admin --password-stdin < secret', 'for a script'],
    ],
  })
    .addOption(new Option('--role <role>', 'what they may do').choices(['admin', 'member']).default('member'))
    .option('--grant <tokens>', 'tokens to begin with')
    .option('--password-stdin', 'read the password from standard input')
    .action((name: string, { role, grant, passwordStdin, ...flags }: AddFlags) =>
      runner.run(flags, async (it) => {
        if (grant !== undefined) parseTokens(grant)
        const fog = await it.fog()
        const password = await askNewPassword(it, passwordStdin)
        const body = { name, password, role, ...(grant !== undefined && { grant }) }
        const user = await fog.client.call('addUser', { body })
        await it.show(user, () => `Added ${user.name}, with the account ${user.accountId}.`)
      }),
    )
}

function addList(group: Command, runner: Runner): void {
  addCommand(group, { usage: 'list', summary: 'Lists users', examples: [['fog user list', 'with their accounts']] })
    .alias('ls')
    .action((flags: CommonFlags) =>
      runner.run(flags, async (it) => {
        const users = await take(allUsers(await it.fog()))
        await it.show(users, () => usersText(it, users))
      }),
    )
}

function usersText(it: Invocation, users: readonly UserView[]): string {
  const columns = ['NAME', 'ROLE', 'STATUS', 'USER', 'ACCOUNT', 'ADDED'].map((title) => ({ title }))
  const rows = users.map((user) => [
    user.name,
    user.role,
    user.lockedUntil === undefined ? user.status : `locked, ends ${agoText(user.lockedUntil, it.now())}`,
    shortId(user.userId),
    user.accountId,
    agoText(user.createdAt, it.now()),
  ])
  return tableText(columns, rows, it.colours)
}

function addChange(
  group: Command,
  runner: Runner,
  act: string,
  summary: string,
  body: { status: 'active' | 'disabled' } | { unlock: true },
  says: string,
): void {
  addCommand(group, { usage: `${act} <user>`, summary, examples: [[`fog user ${act} ada`, 'by name or id']] }).action(
    (text: string, flags: CommonFlags) =>
      runner.run(flags, async (it) => {
        const fog = await it.fog()
        const { userId } = await findUser(fog, text)
        const user = await fog.client.call('changeUser', { params: { userId }, body })
        await it.show(user, () => `${user.name} ${says}.`)
      }),
  )
}
