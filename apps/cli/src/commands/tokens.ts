import type { Command } from 'commander'
import { SCOPES, type Scope } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { addCommand, addGroup, type Runner, usageFault, wholeNumber } from '../command.ts'
import { findAmong } from '../find.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { tableText } from '../show/table.ts'
import { agoText, count, plainText, shortId } from '../show/words.ts'

export function addTokens(program: Command, runner: Runner): void {
  const group = addGroup(program, {
    usage: 'token',
    summary: 'Makes and revokes API tokens and join tokens',
    examples: [
      ['fog token create ci --scopes jobs:read,jobs:write --days 90', 'for a program'],
      ['fog token join', 'for a device that shall lend'],
      ['fog token list', 'all you have made'],
    ],
  })
  addCreate(group, runner)
  addJoin(group, runner)
  addList(group, runner)
  addRevoke(group, runner)
}

interface CreateFlags extends CommonFlags {
  readonly scopes: string
  readonly days?: number
}

function addCreate(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'create <name>',
    summary: 'Makes an API token; its text is shown this once',
    more: `Scopes: ${SCOPES.join(', ')}.`,
    examples: [
      ['fog token create ci', 'may read and submit jobs'],
      ['export FOG_TOKEN=$(fog token create ci --json | jq -r .secret)', 'for a script'],
    ],
  })
    .alias('add')
    .option('--scopes <a,b>', 'what it may do', 'jobs:read,jobs:write')
    .addOption(wholeNumber('--days <n>', 'how long it is good; for ever unless said', { min: 1, max: 3650 }))
    .action((name: string, flags: CreateFlags) =>
      runner.run(flags, async (it) => {
        const body = { name, scopes: scopesOf(flags.scopes), ...(flags.days !== undefined && { days: flags.days }) }
        const answer = await (await it.fog()).client.call('addToken', { body })
        if (!it.json) await it.note('This is the only time it is shown:')
        await it.show(answer, () => answer.secret)
      }),
    )
}

function scopesOf(text: string): Scope[] {
  return text.split(',').map((word) => {
    const scope = SCOPES.find((each) => each === word.trim())
    if (!scope) throw usageFault(`"${word}" is no scope. There are ${SCOPES.join(', ')}.`)
    return scope
  })
}

interface JoinFlags extends CommonFlags {
  readonly uses: number
  readonly hours: number
  readonly name: string
}

function addJoin(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'join',
    summary: 'Makes a join token, and prints the command that lets a device lend',
    examples: [
      ['fog token join', 'for one device, within a day'],
      ['fog token join --uses 20 --hours 2', 'for a room full of them'],
    ],
  })
    .addOption(wholeNumber('--uses <n>', 'how many devices may join with it', { min: 1, max: 10_000 }).default(1))
    .addOption(wholeNumber('--hours <n>', 'how long it is good', { min: 1, max: 8760 }).default(24))
    .option('--name <name>', 'what you call it', 'made by fog token join')
    .action(({ uses, hours, name, ...flags }: JoinFlags) =>
      runner.run(flags, async (it) => {
        const { fog, server } = await it.connection()
        const answer = await fog.client.call('addJoinToken', { body: { name, uses, hours } })
        const command = `fog worker join --url ${server.url} --token ${answer.secret}`
        await it.show({ ...answer, command }, () => joinText(it, command, { uses, hours, url: server.url }))
      }),
    )
}

function joinText(
  it: Invocation,
  command: string,
  { uses, hours, url }: { uses: number; hours: number; url: string },
): string {
  const { hostname } = new URL(url)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const lines = [
    `Run this on the device (${count(uses, 'device')}, good for ${count(hours, 'hour')}, shown this once):`,
    '',
    `  ${it.colours.bold(command)}`,
  ]
  if (!isLocal) return lines.join('\n')
  return [
    ...lines,
    '',
    `${hostname} means this machine only. For other devices start the fog with FOG_HTTP_HOST=0.0.0.0, and write`,
    "this machine's name or address instead.",
  ].join('\n')
}

function addList(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'list',
    summary: 'Lists your API tokens and join tokens',
    examples: [['fog token list', 'never their texts']],
  })
    .alias('ls')
    .action((flags: CommonFlags) =>
      runner.run(flags, async (it) => {
        const { client } = await it.fog()
        const [api, join] = await Promise.all([client.call('listTokens', {}), client.call('listJoinTokens', {})])
        await it.show({ tokens: api.items, joinTokens: join.items }, () => {
          const rows = [
            ...api.items.map((token) => [
              shortId(token.tokenId),
              'API',
              plainText(token.name),
              scopesText(token.scopes),
              stateOf(it, token),
              usedText(it, token.lastUsedAt),
            ]),
            ...join.items.map((token) => [
              shortId(token.joinTokenId),
              'join',
              plainText(token.name),
              `${count(token.usesLeft, 'use')} left`,
              stateOf(it, token),
              '',
            ]),
          ]
          const columns = ['TOKEN', 'KIND', 'NAME', 'MAY', 'STATE', 'USED'].map((title) => ({ title }))
          return rows.length === 0 ? 'There are no tokens.' : tableText(columns, rows, it.colours)
        })
      }),
    )
}

function scopesText(scopes: readonly Scope[]): string {
  return scopes.length === SCOPES.length ? 'everything' : scopes.join(', ')
}

function stateOf(
  it: Invocation,
  { revoked, expiresAt }: { readonly revoked: boolean; readonly expiresAt?: string },
): string {
  if (revoked) return it.colours.dim('revoked')
  if (expiresAt === undefined) return it.colours.green('good')
  return Date.parse(expiresAt) <= it.now()
    ? it.colours.dim('expired')
    : it.colours.green(`good, ends ${agoText(expiresAt, it.now())}`)
}

function usedText(it: Invocation, at: string | undefined): string {
  return at === undefined ? 'never' : agoText(at, it.now())
}

function addRevoke(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'revoke <token>',
    summary: 'Revokes an API token or a join token',
    examples: [
      ['fog token revoke ci', 'by name'],
      ['fog token revoke tok_01kax9p2qm7e', 'by id, or the beginning of it'],
    ],
  }).action((text: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const revoked = await revoke(await it.fog(), text)
      await it.show({ revoked }, () => `Revoked ${shortId(revoked)}.`)
    }),
  )
}

async function revoke({ client }: Fog, text: string): Promise<string> {
  const [api, join] = await Promise.all([client.call('listTokens', {}), client.call('listJoinTokens', {})])
  const things = [
    ...api.items.filter(({ revoked }) => !revoked).map(({ tokenId, name }) => ({ id: tokenId, name, isJoin: false })),
    ...join.items
      .filter(({ revoked }) => !revoked)
      .map(({ joinTokenId, name }) => ({ id: joinTokenId, name, isJoin: true })),
  ]
  const prefix = text.startsWith('join_') ? 'join' : 'tok'
  const { id, isJoin } = findAmong({ noun: 'good token', prefix }, text, things, (thing) => thing.id)
  if (isJoin) await client.call('revokeJoinToken', { params: { joinTokenId: id } })
  else await client.call('revokeToken', { params: { tokenId: id } })
  return id
}
