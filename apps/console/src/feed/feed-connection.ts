import type { EventView, FeedHello } from '@fog/contract'
import { closeMeaning, parseFeedMessage } from './feed-message.ts'

/** Whether what is on the screen is up to date by itself. */
export type FeedState = 'connecting' | 'live' | 'reconnecting' | 'stopped'

export interface FeedOptions {
  readonly url: string
  /** A token good for now; undefined when nobody is logged in any more. */
  readonly token: () => Promise<string | undefined>
  /** Asked when the server no longer takes the token. */
  readonly renew: () => Promise<unknown>
  readonly onEvent: (event: EventView) => void
  /** Events may have been missed: what is shown must be read anew. Called at the start too, for what happened meanwhile. */
  readonly onGap: () => void
  readonly onState: (state: FeedState) => void
  readonly WebSocket?: typeof WebSocket
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** How often it looks whether the log-in was renewed meanwhile: the server ends a feed whose token ended. */
const RENEWAL_LOOK_MS = 20_000

/** The event feed over one WebSocket: logs in by its first message, goes on from the last cursor after a break. */
export class FeedConnection {
  readonly #options: FeedOptions
  #socket: WebSocket | undefined
  #cursor: string | undefined
  #told: string | undefined
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #renewal: ReturnType<typeof setInterval> | undefined
  #running = false

  constructor(options: FeedOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#options.onState('connecting')
    this.#renewal = setInterval(() => void this.#tellNewToken(), RENEWAL_LOOK_MS)
    void this.#connect()
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#retry)
    clearInterval(this.#renewal)
    this.#socket?.close()
    this.#socket = undefined
    this.#options.onState('stopped')
  }

  /** Tries at once instead of waiting: the tab came back, or the device is online again. */
  hurry(): void {
    if (!this.#running || this.#socket) return
    clearTimeout(this.#retry)
    void this.#connect()
  }

  async #connect(): Promise<void> {
    const token = await this.#token()
    if (!this.#running || this.#socket) return
    if (token === undefined) return this.#waitAndRetry()
    const socket = new (this.#options.WebSocket ?? WebSocket)(this.#options.url)
    this.#socket = socket
    socket.addEventListener('open', () => this.#say(socket, token))
    socket.addEventListener('message', (message: MessageEvent<unknown>) => this.#hear(socket, message.data))
    socket.addEventListener('close', ({ code }) => this.#closed(socket, code))
  }

  // Without an answer there is no token, and the next try asks again.
  async #token(): Promise<string | undefined> {
    return this.#options.token().catch(() => undefined)
  }

  #say(socket: WebSocket, token: string): void {
    const hello: FeedHello = { type: 'auth', token, ...(this.#cursor !== undefined && { after: this.#cursor }) }
    this.#told = token
    socket.send(JSON.stringify(hello))
  }

  async #tellNewToken(): Promise<void> {
    const token = await this.#token()
    const socket = this.#socket
    if (token !== undefined && token !== this.#told && socket?.readyState === 1) this.#say(socket, token)
  }

  #hear(socket: WebSocket, data: unknown): void {
    if (this.#socket !== socket) return
    const message = parseFeedMessage(data)
    if (message.kind === 'other') return
    const isFresh = this.#cursor === undefined
    this.#cursor = message.kind === 'ready' ? message.cursor : message.event.cursor
    if (message.kind === 'event') return this.#options.onEvent(message.event)
    this.#failures = 0
    if (isFresh) this.#options.onGap()
    this.#options.onState('live')
  }

  #closed(socket: WebSocket, code: number): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    if (!this.#running) return
    const meaning = closeMeaning(code)
    // Without a cursor the next one starts from now, and tells of the gap once it is there.
    if (meaning === 'cursor no longer good') this.#cursor = undefined
    if (meaning === 'token no longer good') void this.#options.renew()
    this.#waitAndRetry()
  }

  #waitAndRetry(): void {
    this.#options.onState('reconnecting')
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures)
    this.#failures += 1
    // Spread, so that a restarted server is not met by every tab in the same instant.
    this.#retry = setTimeout(() => void this.#connect(), wait * (0.5 + Math.random() / 2))
  }
}
