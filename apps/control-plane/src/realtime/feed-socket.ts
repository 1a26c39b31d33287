import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { FeedHello } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { isFogError } from '@fog/kernel'
import { Compile } from 'typebox/compile'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { KnownCaller } from '../access/known-caller.ts'
import type { Door } from '../http/door.ts'
import { HttpError, statusOf } from '../http/errors.ts'
import { reachOf } from '../http/reach.ts'
import type { Platform } from '../platform.ts'
import { type CutReason, cutNotice, type Feed, type FeedSink, RENEWED_NOTICE, type Subscription } from './feed.ts'
import { jobToFollow, letReaderIn, proofOf, viewOf } from './feed-request.ts'

/** A reader who does not say who it is within this time is sent away. */
const HELLO_MS = 5_000
/** The largest thing a reader says is its token. */
const MAX_MESSAGE_BYTES = 8 * 1024
/** Sockets that have not said who they are. */
const MAX_STRANGERS = 1_000

const Hello = Compile(FeedHello)

/** Close codes: 4000 and the HTTP status of what is wrong; the reason is the error's code. */
const CLOSE = { late: 4408, slow: 4413, expired: 4401, stopping: 1001, failed: 1011 } as const

export interface FeedSocketDependencies {
  readonly platform: Platform
  readonly door: Door
  readonly feed: Feed
}

/**
 * The feed over WebSocket. The first message says who reads and from where; another one of the same person, before the
 * token ends, lets it go on. Each event is one text message.
 */
export class FeedSocket {
  readonly #dependencies: FeedSocketDependencies
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  #strangers = 0

  constructor(dependencies: FeedSocketDependencies) {
    this.#dependencies = dependencies
  }

  /** Takes over a WebSocket upgrade on the feed's path. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    if (this.#strangers >= MAX_STRANGERS) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\r\n')
      return
    }
    this.#strangers += 1
    this.#sockets.handleUpgrade(request, socket, head, (opened) =>
      this.#meet(opened, { address, reach: reachOf(socket) }),
    )
  }

  /** Ends whatever is still open, goodbye or not. */
  stop(): void {
    for (const socket of this.#sockets.clients) socket.terminate()
  }

  #meet(socket: WebSocket, from: Origin): void {
    const reader = new SocketReader(this.#dependencies, socket, from)
    const known = new AbortController()
    const isKnown = () => {
      if (known.signal.aborted) return
      known.abort()
      this.#strangers -= 1
    }
    this.#dependencies.platform.clock.sleep(HELLO_MS, known.signal).then(
      () => socket.close(CLOSE.late, 'nobody said who reads'),
      () => undefined,
    )
    // A socket that breaks is closed by the library; the event only must not go unheard.
    socket.on('error', () => undefined)
    socket.on('close', isKnown)
    socket.on('message', (data, isBinary) => {
      isKnown()
      reader.hear(isBinary ? undefined : textOf(data))
    })
  }
}

/** Where a reader comes from. */
interface Origin {
  readonly address: string
  readonly reach: Reach
}

/** One socket. What it says is taken in turn. */
class SocketReader {
  readonly #platform: Platform
  readonly #door: Door
  readonly #feed: Feed
  readonly #socket: WebSocket
  readonly #from: Origin
  readonly #gone = new AbortController()
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #caller: KnownCaller | undefined
  #subscription: Promise<Subscription> | undefined

  constructor({ platform, door, feed }: FeedSocketDependencies, socket: WebSocket, from: Origin) {
    this.#platform = platform
    this.#door = door
    this.#feed = feed
    this.#socket = socket
    this.#from = from
    socket.on('close', () => this.#gone.abort())
  }

  hear(text: string | undefined): void {
    // Nobody has more than one thing to say at a time.
    if (this.#waiting >= 4) return this.#refuse(new HttpError({ code: 'http.too_many_requests', retrySeconds: 1 }))
    this.#waiting += 1
    this.#turn = this.#turn
      .then(() => this.#take(parseHello(text)))
      .catch((fault: unknown) => this.#refuse(fault))
      .finally(() => void (this.#waiting -= 1))
  }

  async #take(hello: FeedHello): Promise<void> {
    if (this.#gone.signal.aborted) return
    const { address, reach } = this.#from
    const caller = await letReaderIn(this.#door, hello.token, address)
    const proof = proofOf(this.#door, caller, hello.token, address)
    if (this.#caller && this.#subscription) {
      if (caller.userId !== this.#caller.userId) throw malformed('the token is another person’s')
      ;(await this.#subscription).renew(proof)
      this.#socket.send(RENEWED_NOTICE)
      return
    }
    this.#caller = caller
    const jobId = await jobToFollow(this.#platform, { caller, reach }, hello.jobId)
    const sink = new SocketSink(this.#socket)
    const request = { view: viewOf(caller, reach), proof, sink, jobId, after: hello.after, gone: this.#gone.signal }
    this.#subscription = this.#feed.subscribe(request)
    await this.#subscription
  }

  #refuse(fault: unknown): void {
    if (isFogError(fault)) return this.#socket.close(4000 + statusOf(fault), fault.code)
    this.#platform.log.error({ err: fault }, 'a reader of the feed was lost')
    this.#socket.close(CLOSE.failed, 'http.internal')
  }
}

class SocketSink implements FeedSink {
  readonly #socket: WebSocket
  #heard = true

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('pong', () => void (this.#heard = true))
  }

  send({ text }: { readonly text: string }): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text)
  }

  waiting(): number {
    return this.#socket.bufferedAmount
  }

  /** Nothing heard since the last beat: the line is dead, whatever the system says. */
  beat(): void {
    if (!this.#heard) return this.#socket.terminate()
    this.#heard = false
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  cut(reason: CutReason): void {
    this.send({ text: cutNotice(reason) })
    this.#socket.close(CLOSE[reason], reason)
    // A reader that takes nothing would not take the goodbye either.
    if (reason === 'slow') this.#socket.terminate()
  }
}

/** A text comes as one buffer or several, as the library's `binaryType` says. */
function textOf(data: RawData): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Uint8Array)).toString('utf8')
}

function parseHello(text: string | undefined): FeedHello {
  const value = readJson(text)
  if (!Hello.Check(value)) throw malformed('the message is not { "type": "auth", "token": … }')
  return value
}

function readJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function malformed(why: string): HttpError {
  return new HttpError({ code: 'request.malformed', why })
}
