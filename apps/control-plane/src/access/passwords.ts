import { hash, verify } from '@node-rs/argon2'
import { AccessError } from './errors.ts'

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. About 9 ms on a thread of the pool. */
const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

export interface PasswordsOptions {
  /** Hashes computed at once. Node's pool has four threads, which files need too. */
  readonly maxRunning: number
  /** Hashes that may wait for their turn; more are refused as `access.busy`. */
  readonly maxWaiting: number
}

const DEFAULTS: PasswordsOptions = { maxRunning: 2, maxWaiting: 100 }

/** Hashes and checks passwords, a bounded number at a time. */
export class Passwords {
  readonly #options: PasswordsOptions
  /** Of no password: checked when there is no user, so that the answer takes as long as with one. */
  readonly #dummyHash: string
  readonly #waiting: (() => void)[] = []
  #running = 0

  private constructor(dummyHash: string, options: PasswordsOptions) {
    this.#dummyHash = dummyHash
    this.#options = options
  }

  /** `dummy` is any secret text nobody knows. */
  static async open(dummy: string, options: PasswordsOptions = DEFAULTS): Promise<Passwords> {
    return new Passwords(await hash(dummy, ARGON2ID), options)
  }

  /** argon2id in PHC string form. Throws `access.busy`. */
  hash(password: string): Promise<string> {
    return this.#turn(() => hash(password, ARGON2ID))
  }

  /** Whether it is the password. Without a usable hash it is not, after the same time. Throws `access.busy`. */
  check(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.#turn(async () => {
      const usable = passwordHash !== undefined && passwordHash !== NO_PASSWORD
      const right = await verify(usable ? passwordHash : this.#dummyHash, password)
      return usable && right
    })
  }

  async #turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#options.maxRunning) await this.#wait()
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }

  /** Resolves when one that ended hands its place on. */
  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#options.maxWaiting) throw new AccessError({ code: 'access.busy' })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** Stands where a user has no password yet; no password hashes to it. */
export const NO_PASSWORD = '!'
