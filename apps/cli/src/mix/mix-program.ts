import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { assert } from '@fog/kernel'
import { CliError } from '../cli-error.ts'
import { EXIT } from '../exit-code.ts'
import { objectIn } from '../files.ts'
import type { Invocation } from '../invocation.ts'
import { chooseServer } from '../server/choose-server.ts'
import { CredentialsFile } from '../server/credentials.ts'
import { readLocalFog } from '../server/local-fog.ts'
import { type Environment, PROGRAMS } from '../up/child.ts'
import { logLineText } from '../worker-log.ts'

/** One line of what the program says: every line has a type. */
export interface MixLine {
  readonly type: string
  readonly [fact: string]: unknown
}

/** The directory that flags, settings and log-ins point to. It is asked without a token: documents are signed. */
export async function directoryUrl(it: Invocation, flagUrl: string | undefined): Promise<string> {
  const { config, clock } = it
  if (flagUrl === undefined && config.mixUrl !== undefined) return config.mixUrl
  const file = new CredentialsFile({ configDir: config.configDir, clock })
  const [credentials, local] = await Promise.all([file.read(), readLocalFog(config.dataDir)])
  return chooseServer({ flags: { url: flagUrl }, environment: config, credentials, local }).url
}

/** Runs a node in the foreground, its log on our own output. Answers its exit code. */
export async function runMixNode(it: Invocation, args: readonly string[], environment: Environment): Promise<number> {
  const child = start(['run', ...args], environment, 'ignore')
  return withSignals(it, child, async () => {
    for await (const line of linesOf(child)) await it.terminal.stdout.write(`${it.json ? line : logLineText(line)}\n`)
  })
}

/**
 * Runs a command of a peer, which is handed `input` and says JSON lines. Answers its exit code. Throws `cli.mix_program` with what
 * it said when it could not do its work.
 */
export async function runMixPeer(
  it: Invocation,
  {
    args,
    input,
    environment,
  }: { readonly args: readonly string[]; readonly input?: Uint8Array; readonly environment: Environment },
  heard: (line: MixLine) => Promise<void>,
): Promise<number> {
  const child = start(args, environment, input === undefined ? 'ignore' : 'pipe')
  let fault: { readonly code?: unknown; readonly message?: unknown } | undefined
  child.on('message', (message) => {
    const { type, ...facts } = message as { readonly type?: string }
    if (type === 'failed') fault = facts
  })
  // It may end before it has read all of it: then it says why.
  child.stdin?.on('error', () => undefined).end(input)
  const code = await withSignals(it, child, async () => {
    for await (const line of linesOf(child)) {
      const said = objectIn(line)
      if (typeof said['type'] === 'string') await heard(said as MixLine)
    }
  })
  if (fault === undefined) return code
  throw new CliError({ code: 'cli.mix_program', why: String(fault.message), isUsage: code === EXIT.usage })
}

function start(args: readonly string[], environment: Environment, stdin: 'ignore' | 'pipe'): ChildProcess {
  const env = { ...environment, FOG_TOKEN: undefined } as NodeJS.ProcessEnv
  return spawn(process.execPath, [PROGRAMS.mix, ...args], {
    env,
    detached: true,
    stdio: [stdin, 'pipe', 'inherit', 'ipc'],
  })
}

function linesOf(child: ChildProcess): AsyncIterable<string> {
  assert(child.stdout, 'its output comes through a pipe')
  return createInterface({ input: child.stdout })
}

async function withSignals(it: Invocation, child: ChildProcess, read: () => Promise<void>): Promise<number> {
  const ignore = [
    it.terminal.onInterrupt(() => child.kill('SIGTERM')),
    it.terminal.onOrphaned(() => child.kill('SIGTERM')),
  ]
  const closed = once(child, 'close')
  await read()
  const [code] = (await closed) as [number | null]
  for (const stop of ignore) stop()
  return code ?? EXIT.failed
}
