import { CliError } from '../cli-error.ts'
import type { Credentials, Login } from './credentials.ts'

/** What may say which fog to talk to, and as whom. */
export interface ServerHints {
  readonly flags: {
    readonly url?: string | undefined
    readonly token?: string | undefined
    readonly mixnet?: boolean | undefined
  }
  readonly environment: {
    readonly url: string | undefined
    readonly token: string | undefined
    readonly reach?: string | undefined
  }
  readonly credentials: Credentials
  /** The fog of this machine, if one was started here. */
  readonly local: { readonly url: string; readonly token: string } | undefined
}

export interface ChosenServer {
  readonly url: string
  /** Undefined asks without one. */
  readonly access:
    | { readonly kind: 'token'; readonly token: string }
    | { readonly kind: 'login'; readonly login: Login }
    | undefined
  /** Whether it is spoken to by an ordinary connection, or through the mixnet alone. */
  readonly reach: 'direct' | 'mixnet'
  /** Where the token came from, for people. */
  readonly source: 'flags' | 'environment' | 'log-in' | 'this machine' | 'nothing'
}

/**
 * Flags win over the environment, that over log-ins, and those over the fog of this machine. Throws `cli.no_server`, or
 * `cli.reach_invalid` rather than take a misspelt word for `direct`.
 */
export function chooseServer(hints: ServerHints): ChosenServer {
  const server = addressedServer(hints)
  const { flags, environment, credentials } = hints
  const { reach } = environment
  if (reach !== undefined && reach !== 'direct' && reach !== 'mixnet')
    throw new CliError({ code: 'cli.reach_invalid', text: reach.slice(0, 100) })
  if (flags.mixnet === true) return { ...server, reach: 'mixnet' }
  return { ...server, reach: reach ?? credentials.logins[server.url]?.reach ?? 'direct' }
}

function addressedServer({ flags, environment, credentials, local }: ServerHints): Omit<ChosenServer, 'reach'> {
  const named = flags.url ?? environment.url ?? credentials.current ?? local?.url
  if (named === undefined) throw new CliError({ code: 'cli.no_server' })
  const url = parseServerUrl(named)
  if (flags.token !== undefined) return { url, access: { kind: 'token', token: flags.token }, source: 'flags' }
  if (environment.token !== undefined) {
    return { url, access: { kind: 'token', token: environment.token }, source: 'environment' }
  }
  const login = credentials.logins[url]
  if (login) return { url, access: { kind: 'login', login }, source: 'log-in' }
  if (local && parseServerUrl(local.url) === url) {
    return { url, access: { kind: 'token', token: local.token }, source: 'this machine' }
  }
  return { url, access: undefined, source: 'nothing' }
}

/** An address without what follows its path's last name. Throws `cli.url_invalid`. */
export function parseServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (!isWeb || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new CliError({ code: 'cli.url_invalid', url: text.slice(0, 200) })
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
