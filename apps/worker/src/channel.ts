import { PATHS, ServerMessage, type WorkerMessage } from '@fog/contract'
import type { Clock, Rng } from '@fog/kernel'
import type { Logger } from 'pino'
import { Compile } from 'typebox/compile'
import { type RawData, WebSocket } from 'ws'
import { type Backoff, backoffMs } from './retry.ts'

const serverMessage = Compile(ServerMessage)

type Hello = Extract<WorkerMessage, { type: 'hello' }>
type Challenge = Extract<ServerMessage, { type: 'challenge' }>
export type Welcome = Extract<ServerMessage, { type: 'welcome' }>
export type Refused = Extract<ServerMessage, { type: 'refused' }>

export interface ChannelHandlers {
  /** Answers a challenge, with what the worker holds at this moment. */
  hello(challenge: Challenge): Hello
  heartbeat(): WorkerMessage
  welcomed(welcome: Welcome): void
  received(message: Exclude<ServerMessage, Challenge | Welcome | Refused>): void
  /** The control plane said why it will not have this worker. */
  refused(refused: Refused): void
  closed(): void
}

export interface ChannelOptions {
  readonly reconnect: Backoff
  /** For each of: the socket to open, the challenge, the welcome. */
  readonly openMs: number
  /** Nothing heard for this many heartbeats, pings included: the other end is gone, whatever the network says. */
  readonly silentBeats: number
  /** Never called silent before this, however short the heartbeats. */
  readonly leastSilenceMs: number
  /** Unsent bytes above which the worker sends no more than it must. */
  readonly mostBufferedBytes: number
  /** After this long a channel counts as good, and the next break is answered quickly again. */
  readonly steadyMs: number
}

export const DEFAULT_CHANNEL: ChannelOptions = {
  reconnect: { firstMs: 250, mostMs: 30_000 },
  openMs: 10_000,
  silentBeats: 3,
  leastSilenceMs: 6_000,
  mostBufferedBytes: 1024 * 1024,
  steadyMs: 10_000,
}

/** A batch of leases, each with its arguments and inputs, may be larger than what a worker may send. */
export const MOST_MESSAGE_BYTES = 16 * 1024 * 1024
/** The control plane's word that another process with this node's key is connected now. */
const CLOSED_AS_REPLACED = 4002

export interface ChannelDependencies {
  /** Of the control plane, `http` or `https`. */
  readonly url: string
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
}

/** The worker's WebSocket to its control plane. It is opened again whenever it closes, forever, until it is stopped. */
export class Channel {
  readonly #dependencies: ChannelDependencies
  readonly #options: ChannelOptions
  readonly #handlers: ChannelHandlers
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #open: Connection | undefined
  #waiting: (() => void)[] = []

  constructor(dependencies: ChannelDependencies, handlers: ChannelHandlers, options: ChannelOptions = DEFAULT_CHANNEL) {
    this.#dependencies = dependencies
    this.#handlers = handlers
    this.#options = options
  }

  /** Starts connecting; does not wait for it. */
  start(): void {
    this.#running ??= this.#keepOpen()
  }

  /** Closes for good, once what was sent is on its way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#open?.close()
    await this.#running
  }

  get isOpen(): boolean {
    return this.#open?.isOpen === true
  }

  /** Whether the other end keeps up with what it is sent. */
  get isRoomy(): boolean {
    return this.#open?.isOpen === true && this.#open.bufferedBytes < this.#options.mostBufferedBytes
  }

  /** Says whether it went out; without a channel nothing does. */
  send(message: WorkerMessage): boolean {
    return this.sendText(JSON.stringify(message))
  }

  /** A message that was encoded before. */
  sendText(text: string): boolean {
    if (!this.#open?.isOpen) return false
    this.#open.send(text, () => this.#wakeIfRoomy())
    return true
  }

  /** Resolves when more may be sent; false when the channel closed instead. */
  async roomy(): Promise<boolean> {
    while (this.#open && !this.isRoomy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.isRoomy
  }

  #wakeIfRoomy(): void {
    if (this.isRoomy || !this.#open) this.#waiting.splice(0).forEach((wake) => wake())
  }

  async #keepOpen(): Promise<void> {
    const { clock, rng, log } = this.#dependencies
    const { signal } = this.#stopping
    for (let tries = 1; !signal.aborted; tries++) {
      const openedAt = clock.now()
      const end = await this.#runOnce()
      if (signal.aborted) return
      const isSteady = end.wasWelcome && clock.now() - openedAt >= this.#options.steadyMs
      if (isSteady) tries = 1
      // Two workers with one key would push each other out as fast as they can.
      const pauseMs =
        end.code === CLOSED_AS_REPLACED
          ? this.#options.reconnect.mostMs
          : backoffMs(tries, this.#options.reconnect, rng)
      log.info({ why: end.why, code: end.code, inMs: Math.round(pauseMs) }, 'no channel; connecting again')
      await clock.sleep(pauseMs, signal).catch(() => undefined)
    }
  }

  async #runOnce(): Promise<ConnectionEnd> {
    const connection = new Connection(this.#dependencies, this.#options, {
      ...this.#boundHandlers(),
      welcomed: (welcome) => {
        this.#open = connection
        this.#handlers.welcomed(welcome)
      },
    })
    const abort = () => connection.close()
    this.#stopping.signal.addEventListener('abort', abort, { once: true })
    const end = await connection.ended
    this.#stopping.signal.removeEventListener('abort', abort)
    if (this.#open === connection) {
      this.#open = undefined
      this.#wakeIfRoomy()
      this.#handlers.closed()
    }
    return end
  }

  #boundHandlers(): ChannelHandlers {
    const handlers = this.#handlers
    return {
      hello: (challenge) => handlers.hello(challenge),
      heartbeat: () => handlers.heartbeat(),
      welcomed: (welcome) => handlers.welcomed(welcome),
      received: (message) => handlers.received(message),
      refused: (refused) => handlers.refused(refused),
      closed: () => handlers.closed(),
    }
  }
}

interface ConnectionEnd {
  readonly wasWelcome: boolean
  readonly code: number
  readonly why: string
}

/** One WebSocket from its opening to its end. */
class Connection {
  readonly ended: Promise<ConnectionEnd>
  readonly #socket: WebSocket
  readonly #dependencies: ChannelDependencies
  readonly #options: ChannelOptions
  readonly #handlers: ChannelHandlers
  #phase: 'opening' | 'greeting' | 'welcome' = 'opening'
  #deadline: NodeJS.Timeout
  #beat: NodeJS.Timeout | undefined
  #heardAt: number
  #why = 'the control plane cannot be reached'

  constructor(dependencies: ChannelDependencies, options: ChannelOptions, handlers: ChannelHandlers) {
    this.#dependencies = dependencies
    this.#options = options
    this.#handlers = handlers
    this.#heardAt = dependencies.clock.now()
    this.#socket = new WebSocket(`${dependencies.url.replace(/^http/, 'ws')}${PATHS.workerSocket}`, {
      handshakeTimeout: options.openMs,
      maxPayload: MOST_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    // The handshake's own time is bounded by `handshakeTimeout`; this is for what follows.
    this.#deadline = this.#expect('a challenge', 2 * options.openMs)
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    this.#socket.on('pong', () => this.#heard())
    this.#socket.on('ping', () => this.#heard())
    this.#socket.on('error', (fault) => (this.#why = fault.message || fault.name))
    this.ended = new Promise((resolve) => this.#socket.on('close', (code, reason) => resolve(this.#end(code, reason))))
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send(text: string, sent?: () => void): void {
    if (this.isOpen) this.#socket.send(text, sent)
  }

  close(): void {
    this.#socket.close(1000)
    // An end that does not answer the closing must not hold us.
    clearTimeout(this.#deadline)
    this.#deadline = this.#expect('an answer to closing', 2000)
  }

  #end(code: number, reason: Buffer): ConnectionEnd {
    clearTimeout(this.#deadline)
    clearInterval(this.#beat)
    return { wasWelcome: this.#phase === 'welcome', code, why: reason.toString() || this.#why }
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#heard()
    const message = isBinary ? undefined : parseServerMessage(data as Buffer)
    if (!message) {
      this.#dependencies.log.warn({ bytes: (data as Buffer).length }, 'a message from the control plane makes no sense')
      // Before the welcome it is no control plane of ours; after it, one message more or less is repaired by the next hello.
      if (this.#phase !== 'welcome') this.#fail('what answers there is not a control plane of this version')
      return
    }
    this.#handle(message)
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case 'challenge':
        if (this.#phase !== 'opening') return this.#fail('a second challenge')
        return this.#greet(message)
      case 'welcome':
        if (this.#phase !== 'greeting') return this.#fail('a welcome nobody asked for')
        return this.#begin(message)
      case 'refused':
        this.#why = message.detail
        return this.#handlers.refused(message)
      default:
        if (this.#phase === 'welcome') this.#handlers.received(message)
    }
  }

  #greet(challenge: Challenge): void {
    this.#phase = 'greeting'
    clearTimeout(this.#deadline)
    this.#deadline = this.#expect('a welcome', this.#options.openMs)
    this.send(JSON.stringify(this.#handlers.hello(challenge)))
  }

  #begin(welcome: Welcome): void {
    this.#phase = 'welcome'
    this.#why = 'the connection was lost'
    clearTimeout(this.#deadline)
    this.#scheduleBeat(welcome.heartbeatMs)
    this.#handlers.welcomed(welcome)
  }

  /** A tenth of jitter either way, so that nodes which started together do not beat together. */
  #scheduleBeat(heartbeatMs: number): void {
    const inMs = heartbeatMs * (0.9 + 0.2 * this.#dependencies.rng.next())
    this.#beat = setTimeout(() => {
      const silenceMs = this.#dependencies.clock.now() - this.#heardAt
      if (silenceMs > Math.max(this.#options.leastSilenceMs, heartbeatMs * this.#options.silentBeats)) {
        return this.#fail('the control plane went silent')
      }
      this.send(JSON.stringify(this.#handlers.heartbeat()))
      if (this.isOpen) this.#socket.ping()
      this.#scheduleBeat(heartbeatMs)
    }, inMs)
  }

  #heard(): void {
    this.#heardAt = this.#dependencies.clock.now()
  }

  #expect(what: string, ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#fail(`${what} did not come in time`), ms)
  }

  #fail(why: string): void {
    this.#why = why
    this.#socket.terminate()
  }
}

/** A control plane's message, or undefined when it is none. */
export function parseServerMessage(data: Buffer): ServerMessage | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    return serverMessage.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}
