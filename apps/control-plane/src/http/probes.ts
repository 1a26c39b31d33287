import type { FastifyInstance, FastifyRequest } from 'fastify'
import { PATHS } from '@fog/contract'
import { AccessError } from '../access/errors.ts'
import { bearerOf } from '../access/caller.ts'
import { sameSecret } from '../access/secrets.ts'
import type { Config } from '../config.ts'
import type { Log } from '../platform.ts'
import { HttpError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { addressKey, type RateLimiter } from './rate-limit.ts'

/** One thing that must work before requests are sent here. Throws while it does not. */
export type Check = () => Promise<void> | void

/** Each asks the database; a balancer asks a few times a minute. */
const READY_PER_MINUTE = 600
/** A check that does not answer in this time has failed. */
const CHECK_MS = 2_000

/** By name, as `/readyz` shows them. */
export type Checks = Readonly<Record<string, Check>>

export interface ProbeDependencies {
  readonly checks: Checks
  readonly metrics: Metrics
  readonly limiter: RateLimiter
  readonly config: Pick<Config, 'metricsToken' | 'trustProxy'>
  readonly log: Log
}

/** What machines ask: alive, ready, figures. */
export function registerProbes(
  app: FastifyInstance,
  { checks, metrics, limiter, config, log }: ProbeDependencies,
): void {
  app.get(PATHS.health, async () => ({ status: 'ok' }))

  app.get(PATHS.ready, async (request, reply) => {
    limiter.take(`ready ${addressKey(request.ip)}`, READY_PER_MINUTE)
    const results = await Promise.all(Object.entries(checks).map(([name, check]) => tryCheck(name, check, log)))
    const isReady = results.every(([, result]) => result === 'ok')
    return reply
      .code(isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: isReady ? 'ready' : 'not ready', checks: Object.fromEntries(results) })
  })

  app.get(PATHS.metrics, async (request, reply) => {
    allowMetrics(request, config)
    return reply
      .type(metrics.registry.contentType)
      .header('cache-control', 'no-store')
      .send(await metrics.text())
  })
}

async function tryCheck(name: string, check: Check, log: Log): Promise<readonly [string, 'ok' | 'failing']> {
  const late = AbortSignal.timeout(CHECK_MS)
  try {
    const overdue = new Promise<never>((_, reject) =>
      late.addEventListener('abort', () => reject(late.reason as Error)),
    )
    await Promise.race([check(), overdue])
    return [name, 'ok']
  } catch (err) {
    log.warn({ err, check: name }, 'not ready')
    return [name, 'failing']
  }
}

/** Open to this machine, unless a token is set; then only with it. */
function allowMetrics(request: FastifyRequest, { metricsToken, trustProxy }: ProbeDependencies['config']): void {
  if (metricsToken !== undefined) {
    const given = bearerOf(request.headers.authorization)
    if (given === undefined) throw new AccessError({ code: 'access.login_needed' })
    if (!sameSecret(given, metricsToken)) throw new AccessError({ code: 'access.token_invalid' })
    return
  }
  // Sent on by a proxy on this machine, it only looks local.
  const isForwarded = !trustProxy && (request.headers['x-forwarded-for'] ?? request.headers['forwarded']) !== undefined
  if (isForwarded || !isLoopback(request.ip)) throw new HttpError({ code: 'http.not_found', what: 'page' })
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
