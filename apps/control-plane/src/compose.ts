import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type GatewayId, newId } from '@fog/kernel'
import { systemClock, systemRng } from '@fog/kernel/node'
import { Ledger } from '@fog/tokenomics'
import { type Access, ensureFirstAdmin, localToken, openAccess } from './access/index.ts'
import { FolderBlobStore } from './blobs/index.ts'
import type { Config } from './config.ts'
import { openPgDatabase } from './db/pg-database.ts'
import { PgLeadership } from './db/pg-leader.ts'
import type { DatabaseAddress } from './db/pg-pool.ts'
import { type RunningPostgres, startPostgres } from './db/server/index.ts'
import { type ControlPlaneServer, openServer } from './http/index.ts'
import { runGatewayLoops } from './loops/gateway-loops.ts'
import { runLeaderLoops } from './loops/leader-loops.ts'
import { type Mixnet, openMixnet } from './mixnet/index.ts'
import { ThreadFrontPlanner } from './planning/front-planner.ts'
import type { Log, Platform } from './platform.ts'
import type { Database, Leadership } from './ports.ts'
import { WorkerGateway } from './realtime/worker-gateway.ts'

/** A control plane that runs. */
export interface ControlPlane {
  /** Where people and workers reach it. */
  readonly url: string
  /** The one-time code for the first admin, while nobody has used it. */
  readonly setupCode: string | undefined
  readonly gatewayId: GatewayId
  /** Takes nothing new in, ends what is under way, and stops the embedded database. */
  stop(): Promise<void>
}

/** The one place that names concrete classes. Config in, a running control plane out; a failed start leaves nothing behind. */
export async function startControlPlane(config: Config, log: Log & ServerLog): Promise<ControlPlane> {
  const started: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const each of started.splice(0).reverse()) await each()
  }
  try {
    return await start(config, log, started, stop)
  } catch (fault) {
    await stop()
    throw fault
  }
}

/** What the HTTP server needs of a log: pino itself. */
export type ServerLog = Parameters<typeof openServer>[0]['log']

async function start(
  config: Config,
  log: Log & ServerLog,
  started: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<ControlPlane> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const { database, leadership } = await openDatabase(config, log, started)
  const blobs = await FolderBlobStore.open(join(config.dataDir, 'blobs'))
  const hasMixnet = config.mixnet?.entry !== undefined
  const platform: Platform = { database, blobs, clock: systemClock, rng: systemRng, config, log, hasMixnet }
  const access = await openAccess(platform)
  await openBooks(platform)
  const setupCode = await ensureFirstAdmin(platform, access)

  const mixnet = await openDirectory(platform, config, started)
  const { server, gateway } = await openDoors({ platform, access, mixnet }, config, log)
  started.push(() => server.stop())
  const url = await server.listen({ host: config.httpHost, port: config.httpPort })
  await localToken(platform, { dataDir: config.dataDir, url: config.publicUrl ?? url })

  const planner = openPlanner(config, started)
  const stopping = new AbortController()
  const loops = [
    runGatewayLoops(platform, { gateway, metrics: server.metrics }, stopping.signal),
    runLeaderLoops(
      platform,
      { leadership, metrics: server.metrics, mixnet, connect: (stream) => server.connect(stream), planner },
      stopping.signal,
    ),
  ]
  started.push(async () => {
    await gateway.stop()
    stopping.abort()
    await Promise.all(loops)
  })
  log.info({ url, gatewayId: gateway.gatewayId }, 'the control plane is up')
  return { url: config.publicUrl ?? url, setupCode, gatewayId: gateway.gatewayId, stop }
}

function openPlanner({ planning }: Config, started: (() => Promise<void>)[]): ThreadFrontPlanner | undefined {
  if (planning.everyMs === 0) return undefined
  const planner = new ThreadFrontPlanner()
  started.push(() => planner.stop())
  return planner
}

async function openDatabase(
  config: Config,
  log: Log,
  started: (() => Promise<void>)[],
): Promise<{ database: Database; leadership: Leadership }> {
  const address: DatabaseAddress = config.databaseUrl ?? (await embedded(config, log, started)).connection
  const database = await openPgDatabase({ address, alone: config.databaseUrl === undefined, log })
  started.push(() => database.close())
  return { database, leadership: new PgLeadership({ address, log }) }
}

async function embedded({ dataDir }: Config, log: Log, started: (() => Promise<void>)[]): Promise<RunningPostgres> {
  const server = await startPostgres({
    dataDir: join(dataDir, 'postgres'),
    onEvent: ({ type, ...facts }) => {
      if (type === 'database.lost' || type === 'database.given_up') log.error(facts, type)
      else log.info(facts, type)
    },
  })
  started.push(() => server.stop())
  return server
}

async function openBooks({ database, clock }: Platform): Promise<void> {
  await database.transact(async (tx) => new Ledger({ store: tx.ledger, clock }).openSystemAccounts())
}

async function openDirectory(
  platform: Platform,
  { mixnet: settings }: Config,
  started: (() => Promise<void>)[],
): Promise<Mixnet | undefined> {
  if (!settings) return undefined
  const mixnet = await openMixnet(platform, settings)
  started.push(() => mixnet.stop())
  return mixnet
}

async function openDoors(
  { platform, access, mixnet }: { platform: Platform; access: Access; mixnet: Mixnet | undefined },
  config: Config,
  log: ServerLog,
): Promise<{ server: ControlPlaneServer; gateway: WorkerGateway }> {
  const gatewayId = newId('gateway', platform.clock.now(), platform.rng)
  const server = await openServer({ platform, access, config, log, mixnet })
  const gateway = new WorkerGateway({
    platform,
    gatewayId,
    mintNodeToken: (nodeId) => access.signer.mintNodeToken(nodeId),
    metrics: server.metrics,
  })
  server.onWorkerUpgrade((request, socket, head, address) => gateway.handleUpgrade(request, socket, head, address))
  return { server, gateway }
}
