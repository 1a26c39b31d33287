import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

/** How server programs are started here: what stands before the command, and as whom they run. */
export interface Launcher {
  /** Words before the command, such as `unshare …` and `setpriv …`. */
  readonly prefix: readonly string[]
  /** Who shall own the server's files, as this process sees it. */
  readonly owner: FileOwner
  /** Set when the programs run as another user than this process. */
  readonly runAs?: FileOwner
  /** Set when the words before the command change to that user, so that starting it need not. */
  readonly changesUser?: true
  /** Where the libraries' links lie when they could not be made beside the libraries. */
  readonly libraryFolder?: string
}

export interface FileOwner {
  readonly uid: number
  readonly gid: number
}

export interface Finished {
  readonly ok: boolean
  /** Standard output and error, the last 4,000 characters. */
  readonly output: string
}

const KEPT_OUTPUT = 4_000

/** Starts a program in a session of its own, so that Ctrl-C in a terminal reaches us and not it. */
export function launch(launcher: Launcher, command: readonly string[], stdio: SpawnOptions['stdio']): ChildProcess {
  const [program, ...args] = [...launcher.prefix, ...command]
  return spawn(program!, args, {
    cwd: '/',
    detached: true,
    stdio,
    env: environment(launcher),
    ...(!launcher.changesUser && launcher.runAs),
  })
}

/** Runs a program to its end. A program that cannot be started is not ok, with the reason as its output. */
export function run(launcher: Launcher, command: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = launch(launcher, command, ['ignore', 'pipe', 'pipe'])
    let output = ''
    const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-KEPT_OUTPUT))
    child.stdout!.on('data', keep)
    child.stderr!.on('data', keep)
    child.on('error', (fault) => resolve({ ok: false, output: fault.message }))
    child.on('close', (code) => resolve({ ok: code === 0, output: output.trim() }))
  })
}

/** Nothing of our own environment but the path: PGDATA and its kin must not steer the server. */
function environment({ libraryFolder }: Launcher): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(libraryFolder && { LD_LIBRARY_PATH: libraryFolder }),
  }
}
