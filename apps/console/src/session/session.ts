import { ApiError, Client, PATHS, type SessionTokens, Unreachable } from '@fog/contract'

/** Where this tab stands with the control plane. */
export type SessionState =
  | { readonly status: 'starting' }
  | { readonly status: 'unreachable'; readonly message: string }
  | { readonly status: 'out'; readonly setupNeeded: boolean }
  | { readonly status: 'in' }

/** Renewed this long before it ends, so that a request never travels with a token that dies on the way. */
const RENEW_BEFORE_MS = 30_000
const CHANNEL = 'fog.session'
const LOCK = 'fog.refresh'

/**
 * This tab's log-in. The access token lives in memory only; the refresh token is a cookie no script can read.
 *
 * Refresh tokens rotate and one used twice ends the log-in, so tabs take turns at refreshing.
 */
export class Session {
  readonly client: Client
  #state: SessionState = { status: 'starting' }
  #tokens: SessionTokens | undefined
  #refreshing: Promise<boolean> | undefined
  readonly #listeners = new Set<() => void>()
  readonly #tabs = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(CHANNEL)

  constructor() {
    this.client = new Client({
      baseUrl: '',
      token: async () => this.token(),
      onUnauthorized: async () => this.#refresh(),
    })
    this.#tabs?.addEventListener('message', (message: MessageEvent<unknown>) => {
      if (message.data === 'out') this.#leave()
    })
  }

  readonly state = (): SessionState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Picks up the log-in this browser already has, if it has one. */
  async start(): Promise<void> {
    this.#set({ status: 'starting' })
    try {
      if (await this.#refresh()) return
      await this.#askWhetherSetUp()
    } catch (thrown) {
      this.#set({ status: 'unreachable', message: messageOf(thrown) })
    }
  }

  /** A token good for the next request, or undefined when nobody is logged in. */
  async token(): Promise<string | undefined> {
    if (!this.#tokens) return undefined
    const left = Date.parse(this.#tokens.expiresAt) - Date.now()
    // A refresh that cannot reach the server must not stop a request that can say so better.
    if (left < RENEW_BEFORE_MS) await this.#refresh().catch(() => false)
    return this.#tokens?.accessToken
  }

  /** Trades for a new token at once; answers whether the log-in still holds. */
  async renew(): Promise<boolean> {
    return this.#refresh().catch(() => false)
  }

  async logIn(name: string, password: string): Promise<void> {
    this.#enter(await anonymous().call('logIn', { body: { name, password, keep: 'cookie' } }))
  }

  async setUp(code: string, name: string, password: string): Promise<void> {
    this.#enter(await anonymous().call('setup', { body: { code, name, password, keep: 'cookie' } }))
  }

  /** Ends the log-in here, in the other tabs and at the server; without the server, here at least. */
  async logOut(): Promise<void> {
    await this.client.call('logOut', {}).catch(() => undefined)
    this.#tabs?.postMessage('out')
    this.#leave()
  }

  async #refresh(): Promise<boolean> {
    this.#refreshing ??= inTurn(async () => this.#trade()).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #trade(): Promise<boolean> {
    try {
      this.#enter(await anonymous().call('refresh', { body: {} }))
      return true
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.status >= 500 || thrown.status === 429) throw thrown
      if (this.#state.status === 'in') this.#leave()
      return false
    }
  }

  async #askWhetherSetUp(): Promise<void> {
    const { needed } = await anonymous().call('getSetup', {})
    this.#set({ status: 'out', setupNeeded: needed })
  }

  #enter(tokens: SessionTokens): void {
    this.#tokens = tokens
    if (this.#state.status !== 'in') this.#set({ status: 'in' })
  }

  #leave(): void {
    this.#tokens = undefined
    this.#set({ status: 'out', setupNeeded: false })
  }

  #set(state: SessionState): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}

/** Where the event socket is, seen from this page. */
export function socketUrl(location: Pick<Location, 'protocol' | 'host'>): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${PATHS.eventsSocket}`
}

/** What a thrown thing means for the person: the server's own sentence where there is one. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Unreachable)
    return 'The control plane does not answer. Is it running, and is this device online?'
  return thrown instanceof Error ? thrown.message : String(thrown)
}

// Without a token of ours: these calls are how one is got.
function anonymous(): Client {
  return new Client({ baseUrl: '' })
}

// Locks exist only on secure pages (https or this machine); elsewhere tabs may rarely collide and one must log in again.
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return 'locks' in navigator ? navigator.locks.request(LOCK, work) : work()
}
