import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@fog/contract'

/** The real platform for tests in a browser: the control plane with its database, workers, and the built console. */

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CONSOLE = join(ROOT, 'apps', 'console', 'dist')
const READY_MS = 120_000
/** Of mix nodes on one small machine. */
const MIX_SETTINGS = {
  FOG_MIX_THREADS: '1',
  FOG_MIX_PACKETS_PER_SECOND: '500',
  FOG_MIX_DRAIN_SECONDS: '1',
  FOG_LOG_LEVEL: 'warn',
}

export interface Platform {
  readonly url: string
  /** Of the control plane. */
  readonly dataDir: string
  /** The code for the first admin; good until somebody uses it. */
  readonly setupCode: string
  /** A client without a log-in, or with a token. */
  readonly client: (token?: string) => Client
  /** Starts a device that enrols with a join token; it lives until the platform stops or `stop` is called. */
  readonly startWorker: (options: {
    name: string
    joinToken: string
    cores?: number
    labels?: string
  }) => Promise<{ stop: () => Promise<void> }>
  /** Runs a `fog …` command as the console shows it, on this device under a name of its own; it lives until `stop`. */
  readonly runShown: (command: string, device: { name: string }) => Promise<void>
  /** Runs a command in a shell as it was shown, `fog` being this one; answers what it printed so far. It lives until `stop`. */
  readonly runInShell: (command: string, device: { name: string }) => () => string
  /** Starts a mix node and waits until it listens. */
  readonly startMix: (options: {
    name: string
    joinToken: string
    role?: 'mix' | 'gateway'
  }) => Promise<{ kill: () => Promise<void> }>
  /** Ends the control plane and starts it again at the same address, as after an update. */
  readonly restart: (whileAway: () => Promise<void>) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts everything in a folder of its own, with settings of the control plane. Throws with the output of what would not start. */
export async function startPlatform(settings: Readonly<Record<string, string>> = {}): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), 'fog-browser-'))
  const port = await freePort()
  const env = {
    FOG_DATA_DIR: folder,
    FOG_HTTP_PORT: String(port),
    FOG_CONSOLE_DIR: CONSOLE,
    FOG_LOG_LEVEL: 'warn',
    FOG_HEARTBEAT_MIN_MS: '500',
    FOG_LOOP_IDLE_MS: '200',
    ...settings,
  }
  const workers: ChildProcess[] = []
  let { child, ready } = await startControlPlane(env)
  return {
    url: ready.url,
    dataDir: folder,
    setupCode: ready.setupCode ?? '',
    client: (token) => new Client({ baseUrl: ready.url, token: () => token }),
    startWorker: async ({ name, joinToken, cores = 4, labels = '' }) => {
      const worker = startWorker({
        FOG_URL: ready.url,
        FOG_WORKER_DIR: join(folder, `worker-${name}`),
        FOG_WORKER_NAME: name,
        FOG_WORKER_CORES: String(cores),
        FOG_WORKER_LABELS: labels,
        FOG_WORKER_MEMORY_MIB: '2048',
        FOG_JOIN_TOKEN: joinToken,
        FOG_LOG_LEVEL: 'warn',
      })
      workers.push(worker)
      return { stop: async () => stop(worker) }
    },
    runShown: async (command, { name }) => {
      const [fog, ...args] = command.trim().split(/\s+/)
      if (fog !== 'fog') throw new Error(`not a fog command: ${command}`)
      const own = ['--name', name, '--dir', join(folder, `worker-${name}`)]
      const child = run(join(ROOT, 'apps', 'cli', 'bin', 'fog.mjs'), { FOG_LOG_LEVEL: 'warn' }, [...args, ...own])
      outputOf(child)
      workers.push(child)
    },
    runInShell: (command, { name }) => {
      const program = `fog() { exec "${process.execPath}" "${join(ROOT, 'apps', 'cli', 'bin', 'fog.mjs')}" "$@"; }`
      const child = spawn('sh', ['-c', `${program}\n${command}`], {
        cwd: ROOT,
        env: { ...process.env, ...MIX_SETTINGS, FOG_DATA_DIR: join(folder, name) },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      workers.push(child)
      return outputOf(child, 1_000_000)
    },
    startMix: async ({ name, joinToken, role = 'mix' }) => {
      const child = run(join(ROOT, 'apps', 'worker', 'bin', 'fog-mix.mjs'), {
        ...MIX_SETTINGS,
        FOG_MIX_URL: ready.url,
        FOG_MIX_NAME: name,
        FOG_MIX_ROLE: role,
        FOG_MIX_DIR: join(folder, `mix-${name}`),
        FOG_JOIN_TOKEN: joinToken,
      })
      workers.push(child)
      await started(child, 'started')
      return { kill: () => kill(child) }
    },
    restart: async (whileAway) => {
      await stop(child)
      await whileAway()
      ;({ child } = await startControlPlane(env))
    },
    stop: async () => {
      await Promise.all(workers.map(stop))
      await stop(child)
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Ready {
  readonly type: 'ready'
  readonly url: string
  readonly setupCode?: string
}

async function startControlPlane(env: Record<string, string>): Promise<{ child: ChildProcess; ready: Ready }> {
  const child = run(join(ROOT, 'apps', 'control-plane', 'src', 'main.ts'), env)
  return { child, ready: (await started(child, 'ready')) as Ready }
}

/** What a process says of itself when it is up. Throws with its output when it is not in time. */
async function started(child: ChildProcess, type: string): Promise<{ readonly type: string }> {
  const output = outputOf(child)
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it was not up in time\n${output()}`)), READY_MS)
    child.on('message', (message: { readonly type: string }) => {
      clearTimeout(late)
      if (message.type === type) resolve(message)
    })
    child.on('exit', (code) => reject(new Error(`it ended with ${code}\n${output()}`)))
  })
}

function startWorker(env: Record<string, string>): ChildProcess {
  const child = run(join(ROOT, 'apps', 'worker', 'bin', 'fog-worker.mjs'), env)
  outputOf(child)
  return child
}

function run(file: string, env: Record<string, string>, args: readonly string[] = []): ChildProcess {
  return spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

/** Keeps the last of what a process says, for when it fails; `kept` characters of it. */
function outputOf(child: ChildProcess, kept = 8000): () => string {
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (part: Buffer) => (tail = (tail + part.toString()).slice(-kept)))
  }
  return () => tail
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await ended
  clearTimeout(late)
}

/** Ends it as a crash would. */
async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
