import { join } from 'node:path'
import type { Clock } from '@fog/kernel'
import { CliError } from '../cli-error.ts'
import { FileLock } from '../file-lock.ts'
import { objectIn, readIfThere, writePrivately } from '../files.ts'

/** How one is known to one fog. */
export type Login = (
  | { readonly kind: 'token'; readonly name: string; readonly token: string }
  | {
      readonly kind: 'session'
      readonly name: string
      readonly refreshToken: string
      readonly accessToken: string
      /** RFC 3339. */
      readonly expiresAt: string
    }
) & {
  /** Said when this log-in is used through the mixnet only. */
  readonly reach?: 'mixnet' | undefined
}

/** All log-ins of this person on this machine. `current` is the address the last log-in went to. */
export interface Credentials {
  readonly current: string | undefined
  readonly logins: Readonly<Record<string, Login>>
}

const NONE: Credentials = { current: undefined, logins: {} }
/** A refresh goes over the network, and each command that waits needs one at most. */
const PATIENCE_MS = 30_000

/** The file of log-ins, readable by its owner only. Whoever changes it holds its lock. */
export class CredentialsFile {
  readonly #file: string
  readonly #lock: string
  readonly #clock: Clock

  constructor({ configDir, clock }: { readonly configDir: string; readonly clock: Clock }) {
    this.#file = join(configDir, 'credentials.json')
    this.#lock = join(configDir, 'credentials.lock')
    this.#clock = clock
  }

  /** Throws `cli.credentials_unreadable`. */
  async read(): Promise<Credentials> {
    const text = await readIfThere(this.#file).catch((fault: Error) => {
      throw this.#unreadable(fault.message)
    })
    if (text === undefined) return NONE
    const { version, current, logins } = objectIn(text)
    if (version !== 1 || typeof logins !== 'object' || logins === null) throw this.#unreadable('it has another form')
    // Written by this class alone, whole or not at all.
    return { current: current as string | undefined, logins: logins as Credentials['logins'] }
  }

  /** Changes one log-in while no other command can: what `change` throws leaves everything as it was. */
  async update(
    url: string,
    change: (login: Login | undefined) => Promise<Login | undefined>,
  ): Promise<Login | undefined> {
    return this.#alone(async () => {
      const { current, logins } = await this.read()
      const login = await change(logins[url])
      if (login === logins[url]) return login
      const others = Object.entries(logins).filter(([other]) => other !== url)
      const next = login ? Object.fromEntries([...others, [url, login]]) : Object.fromEntries(others)
      await this.#write({ current: current !== undefined && current in next ? current : undefined, logins: next })
      return login
    })
  }

  /** Makes this the fog that commands go to. */
  async select(url: string): Promise<void> {
    await this.#alone(async () => this.#write({ ...(await this.read()), current: url }))
  }

  #alone<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return FileLock.during(this.#lock, { clock: this.#clock, patienceMs: PATIENCE_MS }, work)
  }

  async #write(credentials: Credentials): Promise<void> {
    await writePrivately(this.#file, `${JSON.stringify({ version: 1, ...credentials }, undefined, 2)}\n`)
  }

  #unreadable(why: string): CliError {
    return new CliError({ code: 'cli.credentials_unreadable', file: this.#file, why })
  }
}
