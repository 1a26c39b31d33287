import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { type Route, type RouteName, routes } from '@fog/contract'
import { assert } from '@fog/kernel'
import type { Config } from '../config.ts'
import type { Platform } from '../platform.ts'
import type { Door, LetIn } from './door.ts'
import type { Ask, ContentAnswer, Handler, Handlers } from './handler.ts'
import type { Metrics } from './metrics.ts'
import { reachOf } from './reach.ts'
import { refreshCookie } from './refresh-cookie.ts'
import { contentDisposition } from './content-disposition.ts'
import { parsersOf, type RequestParsers } from './validate.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the door before anything else happens. */
    letIn: LetIn | undefined
  }
}

export interface RouteDependencies {
  readonly platform: Platform
  readonly door: Door
  readonly handlers: Handlers
  readonly metrics: Metrics
  readonly config: Pick<Config, 'publicUrl'>
}

/** Serves exactly the routes of the contract. */
export function registerRoutes(app: FastifyInstance, dependencies: RouteDependencies): void {
  app.decorateRequest('letIn', undefined)
  const uploads: RouteOptions[] = []
  for (const name of Object.keys(routes) as RouteName[]) {
    const options = routeOptions(name, dependencies)
    if (isUpload(routes[name])) uploads.push(options)
    else app.route(options)
  }
  void app.register(async (scope) => {
    // Content is streamed, whatever type it says it has.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    for (const options of uploads) scope.route(options)
  })
}

function isUpload(route: Route): boolean {
  return route.raw === 'request'
}

function routeOptions(name: RouteName, dependencies: RouteDependencies): RouteOptions {
  const { door, handlers } = dependencies
  const route: Route = routes[name]
  const parsers = parsersOf(route)
  // Which handler belongs to which route was checked where `Handlers` is made; a loop over names cannot say it again.
  const handle = handlers[name] as Handler<RouteName>
  const status = route.status ?? 200
  return {
    method: route.method,
    url: route.path,
    ...(route.response && { schema: { response: { [status]: route.response } } }),
    onRequest: async (request) => {
      const { authorization } = request.headers
      request.letIn = await door.letIn({ name, route, authorization, address: request.ip })
    },
    handler: async (request, reply) => {
      const answer: unknown = await handle(askOf(request, reply, { route, parsers, ...dependencies }))
      if (route.raw === 'response') return sendContent(request, reply, answer as ContentAnswer, dependencies.metrics)
      return reply.code(status).send(status === 204 ? undefined : answer)
    },
  }
}

interface AskContext extends RouteDependencies {
  readonly route: Route
  readonly parsers: RequestParsers
}

function askOf(request: FastifyRequest, reply: FastifyReply, context: AskContext): Ask<RouteName> {
  const { route, parsers, platform, config, metrics } = context
  const { letIn } = request
  const [params, query, body] = [
    parsers.params(request.params),
    parsers.query(request.query),
    parsers.body(request.body),
  ]
  const ask = {
    params,
    query,
    body: isUpload(route) ? undefined : body,
    get caller() {
      assert(letIn?.caller, 'the route lets only people in')
      return letIn.caller
    },
    get node() {
      assert(letIn?.node, 'the route lets only nodes in')
      return letIn.node
    },
    get content() {
      return { parts: incoming(request, metrics), statedSize: statedSize(request) }
    },
    address: request.ip,
    reach: reachOf(request.raw.socket),
    userAgent: request.headers['user-agent'] ?? '',
    cookie: refreshCookie(request, reply, { publicUrl: config.publicUrl, clock: platform.clock }),
  }
  // Each part was just read by its route's schema.
  return ask as Ask<RouteName>
}

/** The body as it comes. Leaving it early keeps the connection, so that the answer still arrives. */
async function* incoming(request: FastifyRequest, metrics: Metrics): AsyncGenerator<Uint8Array> {
  for await (const part of request.raw.iterator({ destroyOnReturn: false })) {
    metrics.blobBytes.inc({ direction: 'in' }, (part as Buffer).length)
    yield part as Buffer
  }
}

/** As the caller states it, which the content itself must still keep to. */
function statedSize(request: FastifyRequest): number | undefined {
  const stated = request.headers['content-length']
  return stated === undefined ? undefined : Number(stated)
}

function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  content: ContentAnswer,
  metrics: Metrics,
): FastifyReply {
  const etag = `"${content.digest}"`
  const caching = content.cache === 'revalidate' ? 'no-cache' : 'private, max-age=31536000, immutable'
  void reply.header('etag', etag).header('cache-control', caching)
  if (request.headers['if-none-match'] === etag) {
    discard(content.stream)
    return reply.code(304).send()
  }
  metrics.blobBytes.inc({ direction: 'out' }, content.size)
  return reply
    .type('application/octet-stream')
    .header('content-length', content.size)
    .header('content-disposition', contentDisposition(content.name))
    .send(content.stream)
}

function discard(stream: NodeJS.ReadableStream): void {
  if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy()
}
