import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { PATHS } from '@fog/contract'
import { toBase32 } from '@fog/kernel'
import type { Access } from '../access/access.ts'
import type { Config } from '../config.ts'
import { isMixAddress } from '../mixnet/entry/index.ts'
import type { Mixnet } from '../mixnet/mixnet.ts'
import type { Platform } from '../platform.ts'
import type { Feed } from '../realtime/feed.ts'
import { registerEvents } from '../realtime/feed-sse.ts'
import { registerConsole } from './console.ts'
import type { Door } from './door.ts'
import { answerFor } from './errors.ts'
import { makeHandlers } from './handlers/index.ts'
import { securityHeaders } from './headers.ts'
import type { Metrics } from './metrics.ts'
import { openApiDocument } from './openapi.ts'
import { type Checks, registerProbes } from './probes.ts'
import type { RateLimiter } from './rate-limit.ts'
import { registerRoutes } from './register-routes.ts'

/** A slow line may take this long for the largest upload. Headers alone have Node's own minute. */
const REQUEST_MS = 30 * 60_000
/** A connection nothing moves on for this long is closed; the event feed beats more often. */
const SILENT_CONNECTION_MS = 2 * 60_000

/** What is busy or restarting is usually back by then. */
const UNAVAILABLE_SECONDS = 2

export type ServerConfig = Pick<Config, 'publicUrl' | 'trustProxy' | 'consoleDir' | 'metricsToken' | 'limits'>

export interface ServerDependencies {
  readonly platform: Platform
  readonly access: Access
  readonly door: Door
  readonly limiter: RateLimiter
  readonly feed: Feed
  readonly metrics: Metrics
  readonly config: ServerConfig
  /** Made by `makeLog`. */
  readonly log: FastifyBaseLogger
  /** What `/readyz` asks: `{ database: () => database.ping(), … }`. */
  readonly checks: Checks
  readonly version: string
  readonly mixnet?: Mixnet | undefined
}

/** The HTTP server, ready to listen or to be injected into. It starts nothing of its own. */
export async function buildServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const { platform, access, door, limiter, feed, metrics, config, log, checks, version, mixnet } = dependencies
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.limits.maxBodyBytes,
    requestTimeout: REQUEST_MS,
    connectionTimeout: SILENT_CONNECTION_MS,
    // One hop: the proxy of the setting. What callers write into the header before it counts for nothing, and no proxy stands
    // between here and the mixnet.
    trustProxy: config.trustProxy && ((address, hop) => hop < 1 && !isMixAddress(address)),
    exposeHeadRoutes: false,
    // A client that offers h2c gets its answer over HTTP/1.1, not an upgrade nobody handles.
    http: { shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket' },
    genReqId: () => `req_${toBase32(platform.rng.bytes(10))}`,
    frameworkErrors: (fault, request, reply) => void answerFault(fault, request, reply, metrics),
  })
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((fault, request, reply) => answerFault(fault, request, reply, metrics))
  addHooks(app, metrics)
  const handlers = makeHandlers({ platform, access, limiter, mixnet })
  registerRoutes(app, { platform, door, handlers, metrics, config })
  registerEvents(app, { platform, door, feed })
  registerProbes(app, { checks, metrics, limiter, config, log })
  registerOpenApi(app, { version, publicUrl: config.publicUrl })
  registerConsole(app, config.consoleDir, log)
  await app.ready()
  return app
}

function addHooks(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onSend', async (request, reply) => {
    const page = String(reply.getHeader('content-type') ?? '').startsWith('text/html')
    // "Not modified" has no content type, and its headers would replace those the browser kept with the page.
    if (reply.statusCode !== 304) void reply.headers(securityHeaders({ page, secure: request.protocol === 'https' }))
    void reply.header('x-request-id', request.id)
    if (request.url.startsWith('/v1/') && !reply.hasHeader('cache-control'))
      void reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const { method } = request
    const status = reply.statusCode
    const seconds = reply.elapsedTime / 1000
    metrics.httpRequestSeconds.observe({ method, route, status }, seconds)
    // The route, not the address: addresses may hold what is nobody's business, such as a set-up code.
    const facts = {
      method,
      route,
      status,
      ms: Math.round(reply.elapsedTime),
      address: request.ip,
      caller: callerOf(request),
    }
    if (status >= 400 || route.startsWith('/v1/')) request.log.info(facts, 'request')
    else request.log.debug(facts, 'request')
  })
}

function callerOf({ letIn }: FastifyRequest): string | undefined {
  return letIn?.caller?.userId ?? letIn?.node?.nodeId
}

function answerFault(thrown: unknown, request: FastifyRequest, reply: FastifyReply, metrics: Metrics): FastifyReply {
  const { problem, fault } = answerFor(thrown, request.id, request.routeOptions?.bodyLimit)
  if (request.raw.destroyed && !request.raw.complete) request.log.debug({ err: thrown }, 'the caller hung up')
  else if (fault !== undefined) request.log.error({ err: fault, code: problem.code }, 'a request failed')
  countRefusal(problem, request, metrics)
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
  const wait = problem.facts?.['retrySeconds'] ?? (problem.status === 503 ? UNAVAILABLE_SECONDS : undefined)
  if (typeof wait === 'number') void reply.header('retry-after', wait)
  leaveBody(request, reply)
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

function countRefusal(
  { status, code }: { status: number; code: string },
  request: FastifyRequest,
  metrics: Metrics,
): void {
  if (code.startsWith('access.')) metrics.authFailures.inc({ code })
  if (status === 429) metrics.httpRateLimited.inc({ route: request.routeOptions?.url ?? 'none' })
}

/** An upload that was refused midway: the rest is read past, so that the answer can be heard, and the line then closed. */
function leaveBody(request: FastifyRequest, reply: FastifyReply): void {
  if (request.raw.complete || request.method === 'GET') return
  void reply.header('connection', 'close')
  request.raw.resume()
}

function registerOpenApi(
  app: FastifyInstance,
  { version, publicUrl }: { version: string; publicUrl: string | undefined },
): void {
  const document = openApiDocument({ version, url: publicUrl ?? '/' })
  app.get(PATHS.openapi, async (request, reply) => {
    const servers = publicUrl === undefined ? [{ url: `${request.protocol}://${request.host}` }] : document['servers']
    return reply.header('cache-control', 'no-cache').send({ ...document, servers })
  })
}
