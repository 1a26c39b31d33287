import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOG = fileURLToPath(new URL('../../apps/cli/bin/fog.mjs', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has written to stdout so far. */
  stdout(): string
  stderr(): string
}

/** A person with a home of their own, who types `fog` commands. */
export class Person {
  readonly dir: string
  readonly #environment: Readonly<Record<string, string | undefined>>

  private constructor(dir: string, environment: Readonly<Record<string, string | undefined>>) {
    this.dir = dir
    this.#environment = environment
  }

  static async come(environment: Readonly<Record<string, string>> = {}): Promise<Person> {
    const dir = await mkdtemp(join(tmpdir(), 'fog-cli-'))
    mkdirSync(join(dir, 'home'))
    return new Person(dir, {
      HOME: join(dir, 'home'),
      FOG_DATA_DIR: join(dir, 'data'),
      FOG_HTTP_PORT: '0',
      ...environment,
    })
  }

  /** The same person with other settings. */
  with(environment: Readonly<Record<string, string | undefined>>): Person {
    return new Person(this.dir, { ...this.#environment, ...environment })
  }

  /** Types a command and waits for its end. */
  async fog(...args: readonly string[]): Promise<Ended> {
    return this.start(args).ended
  }

  /** The same with something on standard input. */
  async fogWith(input: string, ...args: readonly string[]): Promise<Ended> {
    return this.start(args, input).ended
  }

  /** Types a command with --json, and reads the document it prints. */
  async json<Document>(...args: readonly string[]): Promise<Document> {
    const at = args.indexOf('--')
    const all = at === -1 ? [...args, '--json'] : [...args.slice(0, at), '--json', ...args.slice(at)]
    const { stdout, stderr } = await this.fog(...all)
    try {
      return JSON.parse(stdout.toString()) as Document
    } catch {
      throw new Error(`fog ${args.join(' ')} printed no document:\n${stdout.toString()}\n${stderr}`)
    }
  }

  start(args: readonly string[], input = ''): Started {
    const env = { ...process.env, FOG_URL: undefined, FOG_TOKEN: undefined, NO_COLOR: undefined, ...this.#environment }
    const child = spawn(process.execPath, [FOG, ...args], { cwd: this.dir, env, stdio: 'pipe' })
    const parts: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (part: Buffer) => void parts.push(part))
    child.stderr.on('data', (part: Buffer) => void (stderr += part.toString()))
    child.stdin.on('error', () => undefined).end(input)
    const ended = once(child, 'close').then(([code]: (number | null)[]) => ({
      code: code ?? null,
      stdout: Buffer.concat(parts),
      stderr,
    }))
    return { child, ended, stdout: () => Buffer.concat(parts).toString(), stderr: () => stderr }
  }

  async leave(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
