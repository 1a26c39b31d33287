import { MAX_CHANNEL_MESSAGE_BYTES, type ServerMessage, WorkerMessage } from '@fog/contract'
import type { Reach } from '@fog/fog'
import type { AttemptId, Clock, Instant, NodeId } from '@fog/kernel'
import { Compile } from 'typebox/compile'
import { WebSocket } from 'ws'

const workerMessage = Compile(WorkerMessage)

/** Above this much unsent data a worker reads too slowly, and gets no more work until it has caught up. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024

/** One a second: a network that has become slower is noticed after so many. */
const TRIPS = 8

/** Why a channel was closed, as WebSocket close codes (4000 and above are ours). */
export const CLOSE = {
  refused: 4001,
  replaced: 4002,
  malformed: 4003,
  silent: 4004,
  stopping: 4005,
  overloaded: 4006,
} as const

export interface ChannelHandlers {
  message(channel: WorkerChannel, message: WorkerMessage): void
  malformed(channel: WorkerChannel): void
  closed(channel: WorkerChannel): void
}

/** Where a channel comes from. */
export interface ChannelOrigin {
  readonly address: string
  readonly reach: Reach
}

/** One worker's WebSocket: typed messages out, checked messages in, the round trip measured. */
export class WorkerChannel {
  readonly address: string
  /** By an ordinary connection, or through the mixnet. */
  readonly reach: Reach
  readonly #socket: WebSocket
  readonly #clock: Clock
  #pingedAt: Instant | undefined
  /** The latest round trips, the newest last. */
  readonly #tripsMs: number[] = []
  /** Set once the worker has proved its key. */
  nodeId: NodeId | undefined
  /** When its token for HTTP ends. */
  tokenExpiresAt: Instant = 0
  /** Attempts it was given and has not ended yet, as far as this gateway knows. */
  readonly attempts = new Set<AttemptId>()
  /** When anything last came from it. */
  heardAt: Instant

  constructor(socket: WebSocket, { address, reach }: ChannelOrigin, clock: Clock, handlers: ChannelHandlers) {
    this.#socket = socket
    this.#clock = clock
    this.address = address
    this.reach = reach
    this.heardAt = clock.now()
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary, handlers))
    socket.on('pong', () => this.#ponged())
    socket.on('close', () => handlers.closed(this))
    // The close event follows every error and is where it is handled.
    socket.on('error', () => undefined)
  }

  /**
   * The shortest of the latest round trips: what the network takes, without what a busy process at either end adds now and
   * then. Undefined until one was measured.
   */
  get latencyMs(): number | undefined {
    return this.#tripsMs.length === 0 ? undefined : Math.min(...this.#tripsMs)
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Whether it keeps up with what it is sent. */
  get isReady(): boolean {
    return this.isOpen && this.#socket.bufferedAmount < MAX_BUFFERED_BYTES
  }

  send(message: ServerMessage): void {
    if (this.isOpen) this.#socket.send(JSON.stringify(message))
  }

  ping(): void {
    if (!this.isOpen || this.#pingedAt !== undefined) return
    this.#pingedAt = this.#clock.now()
    this.#socket.ping()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, 120))
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #ponged(): void {
    this.heardAt = this.#clock.now()
    if (this.#pingedAt === undefined) return
    this.#tripsMs.push(this.heardAt - this.#pingedAt)
    if (this.#tripsMs.length > TRIPS) this.#tripsMs.shift()
    this.#pingedAt = undefined
  }

  #receive(data: Buffer, isBinary: boolean, handlers: ChannelHandlers): void {
    this.heardAt = this.#clock.now()
    const message = isBinary ? undefined : parseWorkerMessage(data)
    if (message) handlers.message(this, message)
    else handlers.malformed(this)
  }
}

/** A worker's message, or undefined when it is none. */
export function parseWorkerMessage(data: Buffer): WorkerMessage | undefined {
  if (data.length > MAX_CHANNEL_MESSAGE_BYTES) return undefined
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    return workerMessage.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}
