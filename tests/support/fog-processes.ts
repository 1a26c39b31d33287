import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@fog/kernel/node'
import { Fog } from '@fog/sdk'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CONTROL_PLANE = join(ROOT, 'apps/control-plane/bin/fog-control-plane.mjs')
const WORKER = join(ROOT, 'apps/worker/bin/fog-worker.mjs')
const MIX = join(ROOT, 'apps/worker/bin/fog-mix.mjs')

export type Environment = Readonly<Record<string, string>>

/** A running process of ours, with what it printed. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  /** Everything it wrote to stdout and stderr so far. */
  output(): string
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Asks it to stop and waits. */
  stop(): Promise<void>
}

export interface RunningControlPlane extends Running {
  readonly url: string
  readonly setupCode: string | undefined
  readonly dataDir: string
}

/**
 * Real processes of the platform in a folder of their own. `close()` stops them all, the last started first, and removes the
 * folder; a failed start throws with what the process printed.
 */
export class FogProcesses {
  readonly dir: string
  readonly #running: Running[] = []

  private constructor(dir: string) {
    this.dir = dir
  }

  static async open(): Promise<FogProcesses> {
    return new FogProcesses(await mkdtemp(join(tmpdir(), 'fog-test-')))
  }

  async controlPlane(env: Environment = {}): Promise<RunningControlPlane> {
    const dataDir = env['FOG_DATA_DIR'] ?? join(this.dir, 'data')
    const running = this.#start(CONTROL_PLANE, {
      FOG_DATA_DIR: dataDir,
      FOG_HTTP_PORT: '0',
      FOG_LOG_LEVEL: 'warn',
      ...env,
    })
    const ready = await message(running, 'ready')
    const { url, setupCode } = ready as { url: string; setupCode?: string }
    return Object.assign(running, { url, setupCode, dataDir })
  }

  /** Starts a worker; with a join token when it has no identity yet. */
  worker(url: string, name: string, env: Environment = {}): Running {
    return this.#start(WORKER, {
      FOG_URL: url,
      FOG_WORKER_NAME: name,
      FOG_WORKER_DIR: join(this.dir, `worker-${name}`),
      FOG_LOG_LEVEL: 'warn',
      ...env,
    })
  }

  /** Starts a mix node; with a join token when it was not admitted yet. It says `started` when it listens. */
  mix(url: string, name: string, env: Environment = {}): Running {
    return this.#start(MIX, {
      FOG_MIX_URL: url,
      FOG_MIX_NAME: name,
      FOG_MIX_DIR: join(this.dir, name),
      FOG_LOG_LEVEL: 'warn',
      ...env,
    })
  }

  /** The fog as the first admin, by the key that is kept for this machine. */
  async admin({ dataDir, url }: { readonly dataDir: string; readonly url: string }): Promise<Fog> {
    const { token } = JSON.parse(await readFile(join(dataDir, 'local.json'), 'utf8')) as { token: string }
    return new Fog({ baseUrl: url, token: () => token, clock: systemClock })
  }

  async close(): Promise<void> {
    for (const running of this.#running.splice(0).reverse()) await running.stop()
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }

  #start(bin: string, env: Environment): Running {
    const child = spawn(process.execPath, [bin], {
      cwd: this.dir,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    let output = ''
    const keep = (part: Buffer) => void (output = (output + part.toString()).slice(-200_000))
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    const gone = once(child, 'exit').then(() => undefined)
    const running: Running = {
      child,
      pid: child.pid ?? -1,
      output: () => output,
      kill: async () => {
        child.kill('SIGKILL')
        await gone
      },
      stop: async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
        await gone
      },
    }
    this.#running.push(running)
    return running
  }
}

/** The first message of a type that a child sends; throws when it ends before, with what it printed. */
export async function message(running: Running, type: string): Promise<object> {
  const { child } = running
  return new Promise((resolve, reject) => {
    const hear = (sent: unknown) => {
      if (typeof sent === 'object' && sent !== null && (sent as { type?: unknown }).type === type) resolve(sent)
    }
    child.on('message', hear)
    child.once('exit', (code, signal) =>
      reject(new Error(`it ended (${code ?? signal}) and printed:\n${running.output()}`)),
    )
  })
}

/** Asks again and again, a bounded number of times, until the answer is there. */
export async function eventually<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  what: string,
  withinMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${withinMs / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits until so many nodes take work. */
export async function nodesOnline(fog: Fog, count: number): Promise<void> {
  await eventually(async () => {
    const { items } = await fog.client.call('listNodes', { query: { limit: 100 } })
    return items.filter(({ state }) => state === 'online').length >= count ? true : undefined
  }, `${count} nodes online`)
}

/** A join token good for several devices. */
export async function joinToken(fog: Fog, uses = 100): Promise<string> {
  const { secret } = await fog.client.call('addJoinToken', { body: { name: 'devices of this test', uses, hours: 1 } })
  return secret
}
