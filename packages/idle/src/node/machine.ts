import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a machine is looked at. Tests lay out their own folders and answer commands themselves. */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** The folders `/proc` and `/sys`, or copies of them. */
  readonly proc: string
  readonly sys: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** What a command prints, or undefined when it is not there, fails or takes longer than a second. */
  readonly ask: (command: string, ...args: string[]) => Promise<string | undefined>
}

const ANSWER_WITHIN_MS = 1000

/** The machine this process runs on. A command that is missing is asked for only once. */
export function thisMachine(env: Readonly<Record<string, string | undefined>>): Machine {
  const missing = new Set<string>()
  const ask = (command: string, ...args: string[]) =>
    new Promise<string | undefined>((resolve) => {
      if (missing.has(command)) return resolve(undefined)
      execFile(command, args, { timeout: ANSWER_WITHIN_MS, windowsHide: true }, (fault, stdout) => {
        if (fault?.code === 'ENOENT') missing.add(command)
        resolve(fault ? undefined : stdout)
      })
    })
  return { platform: process.platform, proc: '/proc', sys: '/sys', env, ask }
}

/** A file's text without white space around it, or undefined. What lies in `/proc` and `/sys` does not block. */
export function readText(...path: string[]): string | undefined {
  try {
    return readFileSync(join(...path), 'utf8').trim()
  } catch {
    return undefined
  }
}

/** A file's number, or undefined. */
export function readNumber(...path: string[]): number | undefined {
  const text = readText(...path)
  const number = text ? Number(text) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

/** The names in a folder, sorted, or undefined when there is no such folder. */
export function listNames(...path: string[]): readonly string[] | undefined {
  try {
    return readdirSync(join(...path)).sort()
  } catch {
    return undefined
  }
}
