import type { Command } from 'commander'
import { Client, type MeView } from '@fog/contract'
import { Fog } from '@fog/sdk'
import { askNewPassword, askPassword, askText } from '../ask.ts'
import { CliError } from '../cli-error.ts'
import { addCommand, type Runner } from '../command.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { connect } from '../server/connect.ts'
import { parseServerUrl } from '../server/choose-server.ts'
import { CredentialsFile, type Login } from '../server/credentials.ts'
import { readLocalFog } from '../server/local-fog.ts'
import { sessionOf } from '../server/session.ts'
import { factsText } from '../show/table.ts'

interface LoginFlags {
  readonly json?: boolean
  readonly token?: string
  readonly name?: string
  readonly setupCode?: string
  readonly passwordStdin?: boolean
}

export function addLogin(program: Command, runner: Runner): void {
  const login = addCommand(
    program,
    {
      usage: 'login [address]',
      summary: 'Logs in to a fog, and makes it the one that commands go to',
      more: 'Without an address: FOG_URL, the last log-in, or the fog of this machine. The log-in is kept in ~/.config/fog/credentials.json, for you alone, and renews itself.',
      examples: [
        ['fog login http://fog.example:7070', 'asks for name and password'],
        ['fog login http://fog.example:7070 --token fogt_…', 'with an API token'],
        ['fog login --setup-code CODE', 'makes the first admin; `fog up` prints the code'],
        ['fog login --name ada --password-stdin < secret', 'for a script'],
      ],
    },
    { server: false },
  )
  login
    .option('--token <token>', 'an API token instead of name and password')
    .option('--name <name>', 'who you are')
    .option('--password-stdin', 'read the password from standard input')
    .option('--setup-code <code>', 'make the first admin of a new fog')
    .action((address: string | undefined, { token, ...flags }: LoginFlags) =>
      runner.run(flags.json ? { json: true } : {}, (it) =>
        logIn(it, address, { ...flags, ...(token !== undefined && { token }) }),
      ),
    )
}

async function logIn(it: Invocation, address: string | undefined, flags: LoginFlags): Promise<void> {
  const file = new CredentialsFile(fileOptions(it))
  const url = await addressOf(it, file, address)
  const login = await loginAt(it, url, flags)
  await file.update(url, async () => login)
  await file.select(url)
  await it.show({ url, name: login.name }, () => `Logged in at ${url} as ${login.name}.`)
}

/** With --mixnet the log-in itself goes through the mixnet, and so does whatever is done by it later. */
async function loginAt(it: Invocation, url: string, flags: LoginFlags): Promise<Login> {
  const way = it.mixnet ? await it.openTunnel(url) : undefined
  const at = way?.url ?? url
  try {
    const login = flags.token === undefined ? await byPassword(it, at, flags) : await byToken(it, at, flags.token)
    return way ? { ...login, reach: 'mixnet' } : login
  } finally {
    await way?.close()
  }
}

async function addressOf(it: Invocation, file: CredentialsFile, address: string | undefined): Promise<string> {
  const known = address ?? it.config.url ?? (await file.read()).current ?? (await readLocalFog(it.config.dataDir))?.url
  if (known === undefined) throw new CliError({ code: 'cli.no_server' })
  return parseServerUrl(known)
}

async function byToken(it: Invocation, baseUrl: string, token: string): Promise<Login> {
  const fog = new Fog({ baseUrl, clock: it.clock, token: () => token })
  const { name } = await fog.client.call('getMe', {})
  return { kind: 'token', name, token }
}

async function byPassword(it: Invocation, baseUrl: string, flags: LoginFlags): Promise<Login> {
  const client = new Client({ baseUrl })
  const { needed } = await client.call('getSetup', {})
  if (needed || flags.setupCode !== undefined) return makeFirstAdmin(it, client, flags)
  const name = flags.name ?? (await askName(it))
  const password = await askPassword(it, `Password of ${name}`, flags.passwordStdin)
  return sessionOf(name, await client.call('logIn', { body: { name, password, keep: 'body' } }))
}

async function makeFirstAdmin(it: Invocation, client: Client, flags: LoginFlags): Promise<Login> {
  if (flags.setupCode === undefined) {
    await it.note('This fog has no admin yet. `fog up` printed a link with a code; the code makes you the first.')
    mustBeTerminal(it, 'Give the code with --setup-code.')
  }
  const code = flags.setupCode ?? (await askText('Set-up code'))
  const name = flags.name ?? (await askName(it, 'admin'))
  const password = await askNewPassword(it, flags.passwordStdin)
  return sessionOf(name, await client.call('setup', { body: { code, name, password, keep: 'body' } }))
}

async function askName(it: Invocation, initial?: string): Promise<string> {
  mustBeTerminal(it, 'Give your name with --name.')
  return askText('Name', initial)
}

function mustBeTerminal({ terminal }: Invocation, what: string): void {
  if (!terminal.stdin.isTerminal)
    throw new CliError({ code: 'cli.usage', why: `There is no terminal to ask on. ${what}` })
}

function fileOptions({ config, clock }: Invocation) {
  return { configDir: config.configDir, clock }
}

export function addLogout(program: Command, runner: Runner): void {
  addCommand(
    program,
    {
      usage: 'logout [address]',
      summary: 'Ends your log-in, there and here',
      examples: [
        ['fog logout', 'at the fog you logged in to last'],
        ['fog logout http://fog.example:7070', 'at this one'],
      ],
    },
    { server: false },
  ).action((address: string | undefined, flags: CommonFlags) => runner.run(flags, (it) => logOut(it, address)))
}

async function logOut(it: Invocation, address: string | undefined): Promise<void> {
  const file = new CredentialsFile(fileOptions(it))
  const { current, logins } = await file.read()
  const url = address === undefined ? current : parseServerUrl(address)
  const login = url === undefined ? undefined : logins[url]
  if (url === undefined || !login) throw new CliError({ code: 'cli.not_logged_in', url: url ?? 'any fog' })
  if (login.kind === 'session') await endThere(it, url)
  await file.update(url, async () => undefined)
  await it.show({ url, loggedOut: true }, () => `Logged out at ${url}.`)
}

/** What cannot be ended there is at least forgotten here, and runs out by itself. */
async function endThere(it: Invocation, url: string): Promise<void> {
  try {
    const { config, clock } = it
    const openTunnel = (to: string) => it.openTunnel(to)
    const hints = { ...config, url: undefined, token: undefined }
    const connection = await connect({ config: hints, clock, openTunnel }, { url, mixnet: it.mixnet })
    try {
      await connection.fog.client.call('logOut', {})
    } finally {
      await connection.close()
    }
  } catch {
    await it.note(`fog: ${url} could not be told; the log-in is forgotten here and runs out there.`)
  }
}

export function addWhoami(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'whoami',
    summary: 'Says which fog commands go to, and as whom',
    examples: [['fog whoami --json | jq -r .accountId', 'your account']],
  }).action((flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const { fog, server } = await it.connection()
      const me = await fog.client.call('getMe', {})
      await it.show({ url: server.url, source: server.source, ...me }, () => meText(it, me, server))
    }),
  )
}

function meText(
  it: Invocation,
  me: MeView,
  { url, source }: { readonly url: string; readonly source: string },
): string {
  const from = {
    flags: 'by flags',
    environment: 'by FOG_TOKEN',
    'log-in': 'by your log-in',
    'this machine': 'by the key of this machine',
  }
  return factsText(
    [
      ['Fog', `${url} (${from[source as keyof typeof from] ?? source})`],
      ['You', `${it.colours.bold(me.name)}, ${me.role}`],
      ['Account', me.accountId],
      ['Tokens', `${me.available} available, ${me.onHold} on hold`],
      ['Rights', me.scopes.join(', ')],
    ],
    it.colours,
  )
}
