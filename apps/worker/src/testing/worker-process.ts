import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestFog } from './test-fog.ts'
import { until } from './processes.ts'

const BIN = fileURLToPath(new URL('../../bin/fog-worker.mjs', import.meta.url))

/** The real worker, as its own process. */
export class WorkerProcess {
  readonly pid: number
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly told: { type: string; code?: string; message?: string }[] = []
  readonly #process: ChildProcess
  #printed = ''

  constructor(env: Readonly<Record<string, string>>) {
    this.#process = fork(BIN, [], {
      env: { PATH: process.env['PATH'] ?? '', FOG_LOG_LEVEL: 'debug', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.pid = this.#process.pid ?? 0
    this.#process.stdout!.on('data', (chunk: Buffer) => (this.#printed += chunk.toString()))
    this.#process.stderr!.on('data', (chunk: Buffer) => (this.#printed += chunk.toString()))
    this.#process.on('message', (message) => this.told.push(message as { type: string }))
    // Not `close` of the process: after a disconnect from this side it does not come.
    const { stdout, stderr } = this.#process
    const drained = Promise.all(
      [stdout, stderr].map((stream) => new Promise((resolve) => stream!.on('close', resolve))),
    )
    this.ended = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => void drained.then(() => resolve({ code, signal })))
    })
  }

  /** A worker that is connected to `fog`. */
  static async connected(
    fog: TestFog,
    folder: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<WorkerProcess> {
    const before = fog.welcomes
    const worker = new WorkerProcess({ ...settings(fog, folder), ...env })
    await until(`the worker is connected\n${worker.printed}`, () => fog.welcomes > before).catch((fault: Error) => {
      throw new Error(`${fault.message}\n${worker.printed}`)
    })
    return worker
  }

  get printed(): string {
    return this.#printed
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  disconnect(): void {
    this.#process.disconnect()
  }

  async stopped(signal: NodeJS.Signals = 'SIGTERM') {
    this.kill(signal)
    return this.ended
  }
}

export function settings(fog: TestFog, folder: string): Record<string, string> {
  return {
    FOG_WORKER_DIR: folder,
    FOG_URL: fog.url,
    FOG_JOIN_TOKEN: fog.joinToken,
    FOG_WORKER_NAME: 'test',
    FOG_WORKER_CORES: '2',
    FOG_WORKER_MEMORY_MIB: '1024',
    FOG_WORKER_DISK_MIB: '2048',
    FOG_WORKER_STOP_GRACE_SECONDS: '1',
  }
}
