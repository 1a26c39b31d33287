import { ApiError, Client, type SessionTokens } from '@fog/contract'
import type { Clock } from '@fog/kernel'
import { CliError } from '../cli-error.ts'
import type { CredentialsFile, Login } from './credentials.ts'

/** An access token that ends sooner than this is not worth sending. */
const MARGIN_MS = 10_000

type Session = Extract<Login, { kind: 'session' }>

/**
 * Keeps a log-in alive: access tokens are short, and the refresh token changes with each use. Many commands may run at
 * once; the one that holds the file's lock refreshes, and the others use what it got.
 */
export class SessionKeeper {
  readonly #url: string
  readonly #askAt: string
  readonly #file: CredentialsFile
  readonly #clock: Clock
  #session: Session
  #refreshing: Promise<boolean> | undefined

  /** `url` names the log-in; it is asked for at `askAt`, which is another address where the way there is a tunnel. */
  constructor(dependencies: {
    readonly url: string
    readonly askAt?: string
    readonly file: CredentialsFile
    readonly clock: Clock
    readonly session: Session
  }) {
    this.#url = dependencies.url
    this.#askAt = dependencies.askAt ?? dependencies.url
    this.#file = dependencies.file
    this.#clock = dependencies.clock
    this.#session = dependencies.session
  }

  /** An access token that is good for a while. Throws `cli.login_ended`. */
  async token(): Promise<string> {
    if (!this.#isFresh(this.#session)) await this.refresh()
    return this.#session.accessToken
  }

  /** Gets a new access token, because the one there is was refused or is about to end. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  async #refresh(): Promise<boolean> {
    const refused = this.#session.accessToken
    const login = await this.#file.update(this.#url, async (kept) => {
      if (kept?.kind !== 'session') return kept
      const isNew = kept.accessToken !== refused && this.#isFresh(kept)
      return isNew ? kept : this.#renew(kept)
    })
    if (login?.kind !== 'session') throw new CliError({ code: 'cli.login_ended', url: this.#url })
    this.#session = login
    return true
  }

  /** Undefined when the log-in is over: then it is forgotten. */
  async #renew(session: Session): Promise<Session | undefined> {
    const client = new Client({ baseUrl: this.#askAt })
    try {
      const tokens = await client.call('refresh', { body: { refreshToken: session.refreshToken } })
      const { name, refreshToken, reach } = session
      return { ...sessionOf(name, tokens, refreshToken), ...(reach && { reach }) }
    } catch (fault) {
      if (fault instanceof ApiError && fault.status === 401) return undefined
      throw fault
    }
  }

  #isFresh({ expiresAt }: Session): boolean {
    return Date.parse(expiresAt) - this.#clock.now() > MARGIN_MS
  }
}

/** A log-in as it is kept. */
export function sessionOf(name: string, tokens: SessionTokens, refreshToken = ''): Session {
  const { accessToken, expiresAt } = tokens
  return { kind: 'session', name, refreshToken: tokens.refreshToken ?? refreshToken, accessToken, expiresAt }
}
