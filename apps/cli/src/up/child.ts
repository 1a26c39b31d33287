import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, closeSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Programs of the platform that this one starts. Apps never import each other: they are found by path. */
export const PROGRAMS = {
  controlPlane: programAt('control-plane/bin/fog-control-plane.mjs'),
  worker: programAt('worker/bin/fog-worker.mjs'),
  mix: programAt('worker/bin/fog-mix.mjs'),
} as const

function programAt(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface ChildSpec {
  readonly program: string
  readonly args?: readonly string[]
  readonly environment: Environment
  readonly logFile: string
}

/** What a child says over its channel; every message has a type. */
export interface ChildMessage {
  readonly type: string
  readonly [fact: string]: unknown
}

/** A log larger than this is put aside at the next start. */
const MOST_LOG_BYTES = 16 * 1024 * 1024

/**
 * A program of the platform that runs beside this one, its output in a log. It is in a group of its own, so that Ctrl-C
 * reaches only us and we stop it in order; it stops by itself when its channel to us breaks, however that happens.
 */
export class Child {
  readonly exited: Promise<string>
  readonly #process: ChildProcess
  #isOver = false

  private constructor(process: ChildProcess, hear: (message: ChildMessage) => void) {
    this.#process = process
    process.on('message', (message) => hear(message as ChildMessage))
    const failed = once(process, 'error').then(([fault]: Error[]) => fault?.message ?? 'it could not be started')
    const ended = once(process, 'exit').then(([code, signal]: (number | string | null)[]) => endText(code, signal))
    this.exited = Promise.race([failed, ended]).finally(() => (this.#isOver = true))
  }

  static start({ program, args = [], environment, logFile }: ChildSpec, hear: (message: ChildMessage) => void): Child {
    const log = openLog(logFile)
    try {
      const env = environment as NodeJS.ProcessEnv
      return new Child(
        spawn(process.execPath, [program, ...args], { env, detached: true, stdio: ['ignore', log, log, 'ipc'] }),
        hear,
      )
    } finally {
      closeSync(log)
    }
  }

  /** Asks it to stop, and ends it when it has not within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#isOver) return
    this.#process.kill('SIGTERM')
    const late = setTimeout(() => this.kill(), graceMs)
    await this.exited
    clearTimeout(late)
  }

  kill(): void {
    if (!this.#isOver) this.#process.kill('SIGKILL')
  }
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > MOST_LOG_BYTES) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

function endText(code: number | string | null | undefined, signal: number | string | null | undefined): string {
  return code === null || code === undefined ? `ended by ${signal}` : `ended with ${code}`
}
