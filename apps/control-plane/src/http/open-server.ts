import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { PATHS } from '@fog/contract'
import { stateOf } from '@fog/fog'
import type { Access } from '../access/access.ts'
import type { Config } from '../config.ts'
import { measureTiers } from '../flows/measure-tiers.ts'
import { allNodes } from '../flows/node-views.ts'
import { EVENTS_KEPT_MS } from '../loops/leader-loops.ts'
import type { Mixnet } from '../mixnet/mixnet.ts'
import type { Platform } from '../platform.ts'
import { Feed } from '../realtime/feed.ts'
import { FeedSocket } from '../realtime/feed-socket.ts'
import { Door } from './door.ts'
import { Metrics } from './metrics.ts'
import type { Checks } from './probes.ts'
import { RateLimiter } from './rate-limit.ts'
import { buildServer, type ServerConfig } from './server.ts'
import { type UpgradeHandler, UpgradeRouter } from './upgrade.ts'

export interface ServerParts {
  readonly platform: Platform
  readonly access: Access
  readonly config: ServerConfig & Pick<Config, 'timing'>
  /** pino, or what speaks like it. */
  readonly log: FastifyBaseLogger
  /** What must work beside the database before requests are sent here. */
  readonly checks?: Checks
  readonly mixnet?: Mixnet | undefined
}

/** Everything people and workers reach over HTTP: routes, console, probes, the feed, and the way for workers' sockets. */
export interface ControlPlaneServer {
  /** For requests that are injected, in tests. */
  readonly app: FastifyInstance
  readonly metrics: Metrics
  readonly feed: Feed
  /** Hands upgrades on the workers' path over. Until then they are turned away. */
  onWorkerUpgrade(handler: UpgradeHandler): void
  /** Takes a connection that came by another way than a socket. */
  connect(connection: Duplex): void
  /** Answers the address it listens on. */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>
  /** Takes nothing new in, says goodbye to readers, ends what is under way within the grace time. */
  stop(): Promise<void>
}

/** Puts the parts together; nothing listens yet. */
export async function openServer({
  platform,
  access,
  config,
  log,
  checks = {},
  mixnet,
}: ServerParts): Promise<ControlPlaneServer> {
  const limiter = new RateLimiter(platform)
  const door = new Door({ platform, access, limiter })
  const metrics = new Metrics()
  const feed = new Feed({ platform, metrics }, { retentionMs: EVENTS_KEPT_MS })
  const feedSocket = new FeedSocket({ platform, door, feed })
  const allChecks = { database: () => platform.database.ping(), ...checks }
  const app = await buildServer({
    platform,
    access,
    door,
    limiter,
    feed,
    metrics,
    config,
    log,
    checks: allChecks,
    version: packageVersion(),
    mixnet,
  })
  let worker: UpgradeHandler | undefined
  const router = new UpgradeRouter(
    { config, log },
    {
      [PATHS.eventsSocket]: (...upgrade) => feedSocket.handleUpgrade(...upgrade),
      [PATHS.workerSocket]: (request, socket, head, address) => {
        if (worker) worker(request, socket, head, address)
        else socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n')
      },
    },
  )
  const detach = router.attach(app.server)
  metrics.refreshWith(() => measureFog(platform, metrics, feed))
  if (mixnet) {
    mixnet.metrics.register(metrics.registry)
    mixnet.entry?.metrics.register(metrics.registry)
    metrics.refreshWith(() => mixnet.measure())
  }
  metrics.start()
  feed.start()
  return {
    app,
    metrics,
    feed,
    onWorkerUpgrade: (handler) => void (worker = handler),
    connect: (connection) => void app.server.emit('connection', connection),
    listen: (at) => app.listen(at),
    stop: async () => {
      detach()
      metrics.stop()
      await feed.stop()
      feedSocket.stop()
      await closeInTime(app, platform)
    },
  }
}

/** Waits for answers under way, but not for ever. */
async function closeInTime(app: FastifyInstance, { clock, config }: Platform): Promise<void> {
  const closed = new AbortController()
  const giveUp = clock.sleep(config.timing.stopGraceMs, closed.signal).then(
    () => app.server.closeAllConnections(),
    () => undefined,
  )
  await app.close()
  closed.abort()
  await giveUp
}

async function measureFog(platform: Platform, metrics: Metrics, feed: Feed): Promise<void> {
  const { database } = platform
  metrics.feedSubscribers.set(feed.size)
  const [depth, nodes] = await Promise.all([database.read.jobs.queueDepth(), allNodes(database.read.nodes)])
  for (const { tier, queued, running } of depth) {
    metrics.queueTasks.set({ tier, state: 'queued' }, queued)
    metrics.queueTasks.set({ tier, state: 'running' }, running)
  }
  metrics.nodes.reset()
  for (const node of nodes) metrics.nodes.inc({ state: stateOf(node) })
  metrics.tiers(await measureTiers(platform))
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
