import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { id, PATHS, strict } from '@fog/contract'
import { bearerOf } from '../access/caller.ts'
import { AccessError } from '../access/errors.ts'
import type { Door } from '../http/door.ts'
import { securityHeaders } from '../http/headers.ts'
import { reachOf } from '../http/reach.ts'
import { parserOf } from '../http/validate.ts'
import type { Platform } from '../platform.ts'
import { type CutReason, cutNotice, type Feed, type FeedSink } from './feed.ts'
import { jobToFollow, letReaderIn, proofOf, viewOf } from './feed-request.ts'

const EventsQuery = strict({ after: Type.Optional(Type.String({ maxLength: 100 })), jobId: Type.Optional(id('job')) })
const parseQuery = parserOf(EventsQuery, { part: 'query', texts: true })

export interface EventsDependencies {
  readonly platform: Platform
  readonly door: Door
  readonly feed: Feed
}

/**
 * The feed as server-sent events (WHATWG HTML, 9.2): each with its cursor as id, a comment now and then, and `Last-Event-ID`
 * understood. It ends when the token does; the reader comes back with a new one and its last id.
 */
export function registerEvents(app: FastifyInstance, { platform, door, feed }: EventsDependencies): void {
  app.get(PATHS.events, async (request, reply) => {
    const token = bearerOf(request.headers.authorization)
    if (token === undefined) throw new AccessError({ code: 'access.login_needed' })
    const caller = await letReaderIn(door, token, request.ip)
    request.letIn = { caller }
    const query = parseQuery(request.query) as Static<typeof EventsQuery>
    const reach = reachOf(request.raw.socket)
    const jobId = await jobToFollow(platform, { caller, reach }, query.jobId)
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const sink = new SseSink(reply.raw, securityHeaders({ page: false, secure: request.protocol === 'https' }))
    const after = query.after ?? lastEventId(request)
    const [view, proof] = [viewOf(caller, reach), proofOf(door, caller, token, request.ip)]
    try {
      await feed.subscribe({ view, proof, sink, jobId, after, gone: gone.signal })
    } catch (fault) {
      // Before the first byte it is answered like any other request.
      if (!sink.isOpen) throw fault
      request.log.error({ err: fault }, 'a reader of the feed was lost')
      reply.raw.destroy()
    }
    reply.hijack()
  })
}

/** Events as `text/event-stream`. The head goes out with the first of them. */
class SseSink implements FeedSink {
  readonly #response: ServerResponse
  readonly #headers: Record<string, string>

  constructor(response: ServerResponse, headers: Record<string, string>) {
    this.#response = response
    this.#headers = headers
    // A line that breaks is closed; there is nothing else to do about it.
    response.on('error', () => undefined)
  }

  get isOpen(): boolean {
    return this.#response.headersSent
  }

  send({ cursor, text }: { readonly cursor: string; readonly text: string }): void {
    this.#write(`id: ${cursor}\ndata: ${text}\n\n`)
  }

  waiting(): number {
    return this.#response.writableLength
  }

  beat(): void {
    this.#write(': beat\n\n')
  }

  cut(reason: CutReason): void {
    // Without an id: the reader's last cursor stays the one it has.
    this.#write(`data: ${cutNotice(reason)}\n\n`)
    if (reason === 'slow') this.#response.destroy()
    else this.#response.end()
  }

  #write(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    if (!this.isOpen) {
      this.#response.writeHead(200, {
        ...this.#headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx holds a stream back unless told.
        'x-accel-buffering': 'no',
      })
    }
    this.#response.write(text)
  }
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const value = headers['last-event-id']
  return typeof value === 'string' && value !== '' ? value : undefined
}
