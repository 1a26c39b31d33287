import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { assert } from '@fog/kernel'
import { CliError } from '../cli-error.ts'
import { addCommand, addGroup, type Runner, usageFault } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { objectIn, readIfThere, writePrivately } from '../files.ts'
import type { Invocation } from '../invocation.ts'
import { parseServerUrl } from '../server/choose-server.ts'
import { PROGRAMS } from '../up/child.ts'
import { logLineText } from '../worker-log.ts'

interface WorkerFlags {
  readonly json?: boolean
  readonly dir?: string
}

interface JoinFlags extends WorkerFlags {
  readonly url?: string
  readonly token?: string
  readonly name?: string
  readonly labels?: string
}

/** Where the device joined and how it is called there, kept beside its identity so that `start` needs no flags. */
interface Membership {
  readonly url: string
  readonly name?: string
  readonly labels?: string
  readonly reach?: 'mixnet'
}

export function addWorker(program: Command, runner: Runner): void {
  const group = addGroup(program, {
    usage: 'worker',
    summary: 'Lets this device lend to a fog',
    examples: [
      ['fog worker join --url http://fog.example:7070 --token fogj_…', 'once; `fog token join` prints it'],
      ['fog worker start', 'ever after'],
      ['fog --mixnet worker join --url … --token fogj_…', 'through the mixnet alone, ever after too'],
    ],
  })
  addJoin(group, runner)
  addStart(group, runner)
}

function addJoin(group: Command, runner: Runner): void {
  addCommand(
    group,
    {
      usage: 'join',
      summary: 'Enrols this device with a join token, and lends until Ctrl-C',
      more: 'The join token may also come in FOG_JOIN_TOKEN, where other users of the machine do not see it. Its settings (policy, cores, memory to lend) are in docs/settings.md.',
      examples: [
        ['fog worker join --url http://fog.example:7070 --token fogj_…', 'as `fog token join` prints it'],
        ['FOG_JOIN_TOKEN=… fog worker join --url … --labels region=home', 'with a label that jobs can ask for'],
      ],
    },
    { server: false },
  )
    .option('--url <address>', 'the fog to join (else FOG_URL)')
    .option('--token <token>', 'the join token (else FOG_JOIN_TOKEN)')
    .option('--name <name>', 'what people see in the list of nodes')
    .option('--labels <a=b,c=d>', 'what jobs can ask for')
    .option('--dir <folder>', "the worker's own folder (else FOG_WORKER_DIR, or worker in FOG_DATA_DIR)")
    .action((flags: JoinFlags) =>
      runner.run(flags.json ? { json: true } : {}, (it) => {
        const url = flags.url ?? it.config.url
        const token = flags.token ?? it.config.joinToken
        if (url === undefined || token === undefined)
          throw usageFault('Say which fog and with what: --url and --token. `fog token join` prints both.')
        const { name, labels } = flags
        const membership = {
          url: parseServerUrl(url),
          ...(name !== undefined && { name }),
          ...(labels !== undefined && { labels }),
          ...(it.mixnet && { reach: 'mixnet' as const }),
        }
        return lend(it, folderOf(it, flags), membership, token)
      }),
    )
}

function addStart(group: Command, runner: Runner): void {
  addCommand(
    group,
    {
      usage: 'start',
      summary: 'Lends again with a device that has joined, until Ctrl-C',
      examples: [['fog worker start', 'finds its identity where it was']],
    },
    { server: false },
  )
    .option('--url <address>', 'where the fog is now, if it has moved')
    .option('--dir <folder>', "the worker's own folder (else FOG_WORKER_DIR, or worker in FOG_DATA_DIR)")
    .action((flags: WorkerFlags & { readonly url?: string }) =>
      runner.run(flags.json ? { json: true } : {}, async (it) => {
        const folder = folderOf(it, flags)
        const kept = await membershipIn(folder)
        const url = flags.url ?? it.config.url ?? kept?.url
        const hasJoined = objectIn((await readIfThere(join(folder, 'identity.json'))) ?? '')['nodeId'] !== undefined
        if (!hasJoined || url === undefined) throw new CliError({ code: 'cli.not_joined', folder })
        return lend(it, folder, { ...kept, url: parseServerUrl(url) }, undefined)
      }),
    )
}

function folderOf({ config }: Invocation, { dir }: WorkerFlags): string {
  return dir ?? config.workerDir ?? join(config.dataDir, 'worker')
}

async function membershipIn(folder: string): Promise<Membership | undefined> {
  const { url, name, labels, reach } = objectIn((await readIfThere(join(folder, 'membership.json'))) ?? '')
  if (typeof url !== 'string') return undefined
  return {
    url,
    ...(typeof name === 'string' && { name }),
    ...(typeof labels === 'string' && { labels }),
    ...(reach === 'mixnet' && { reach }),
  }
}

/** Runs the worker in the foreground, its log on our own output. Answers its exit code. */
async function lend(
  it: Invocation,
  folder: string,
  membership: Membership,
  joinToken: string | undefined,
): Promise<number> {
  const secrets = await mkdtemp(join(tmpdir(), 'fog-join-'))
  const tokenFile = join(secrets, 'token')
  try {
    if (joinToken !== undefined) await writePrivately(tokenFile, `${joinToken}\n`)
    return await runWorker(it, folder, membership, joinToken === undefined ? undefined : tokenFile)
  } finally {
    await rm(secrets, { recursive: true, force: true })
  }
}

async function runWorker(
  it: Invocation,
  folder: string,
  membership: Membership,
  tokenFile: string | undefined,
): Promise<number> {
  const { name, labels, url, reach } = membership
  const environment = {
    ...it.config.environment,
    FOG_TOKEN: undefined,
    FOG_JOIN_TOKEN: undefined,
    FOG_JOIN_TOKEN_FILE: tokenFile,
    FOG_URL: url,
    FOG_WORKER_DIR: folder,
    ...(name !== undefined && { FOG_WORKER_NAME: name }),
    ...(labels !== undefined && { FOG_WORKER_LABELS: labels }),
    ...(reach !== undefined && { FOG_WORKER_REACH: reach }),
  }
  const child = spawn(process.execPath, [PROGRAMS.worker], {
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.on('message', (message: { type?: string }) => {
    // Only a device that was let in is worth remembering.
    if (message.type === 'connected')
      void writePrivately(join(folder, 'membership.json'), `${JSON.stringify(membership)}\n`)
  })
  const ignore = [
    it.terminal.onInterrupt(() => child.kill('SIGTERM')),
    it.terminal.onOrphaned(() => child.kill('SIGTERM')),
  ]
  const closed = once(child, 'close')
  assert(child.stdout, 'its output comes through a pipe')
  for await (const line of createInterface({ input: child.stdout })) {
    await it.terminal.stdout.write(`${it.json ? line : logLineText(line)}\n`)
  }
  const [code] = (await closed) as [number | null]
  for (const stop of ignore) stop()
  return code ?? EXIT.failed
}
