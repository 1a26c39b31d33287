import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { binariesIn, packagedBinaries } from './binaries.ts'
import { clusterOwner, ensureCluster, makeDataFolder, parseVersion, SUPERUSER, versionOf } from './cluster.ts'
import { DatabaseServerError } from './errors.ts'
import { chooseLauncher, giveTo } from './identity.ts'
import { settleLeftovers, serverProcesses, trySignal } from './leftovers.ts'
import { OwnerLock } from './owner-lock.ts'
import { ServerLog } from './server-log.ts'
import { adoptServer, spawnServer } from './server-process.ts'
import { asArguments, serverSettings } from './server-settings.ts'
import { makeSocketFolder, SOCKET_PORT, socketFolderFor } from './socket-folder.ts'
import type { Binaries } from './binaries.ts'
import type { ServerVersion } from './cluster.ts'
import type { RootMode } from './identity.ts'
import type { Launcher } from './launch.ts'
import type { ServerProcess } from './server-process.ts'
import type { ServerSettings } from './server-settings.ts'

export interface PostgresOptions {
  /** The server's own folder; made if need be. Holds the data, the log, the lock and, where its path is short, the socket. */
  readonly dataDir: string
  /** Programs to use instead of those that came with npm, such as `/usr/lib/postgresql/15/bin`. */
  readonly binariesDir?: string
  /** Server settings on top of ours. */
  readonly settings?: ServerSettings
  readonly onEvent?: (event: PostgresEvent) => void
  readonly limits?: Partial<PostgresLimits>
  /** As root: which way to take first. */
  readonly rootMode?: RootMode
}

export type PostgresEvent =
  | { readonly type: 'database.initialised'; readonly version: string; readonly tookMs: number }
  | { readonly type: 'database.started'; readonly pid: number; readonly adopted: boolean; readonly tookMs: number }
  | { readonly type: 'database.lost'; readonly pid: number; readonly reason: string }
  | { readonly type: 'database.restart_failed'; readonly attempt: number; readonly reason: string }
  | { readonly type: 'database.given_up'; readonly attempts: number }
  | { readonly type: 'database.stopped' }

export interface PostgresLimits {
  /** A start after a crash replays the log, which takes a while on a slow disk. */
  readonly startMs: number
  /** For each step of stopping: fast, immediate, kill. */
  readonly stopMs: number
  /** How long an orphan may take to come up or to shut down by itself. */
  readonly orphanMs: number
  readonly restartFirstDelayMs: number
  readonly restartLongestDelayMs: number
  /** Starts in a row that may fail, or not live for `steadyMs`, before we give up. */
  readonly restarts: number
  readonly steadyMs: number
}

const LIMITS: PostgresLimits = {
  startMs: 120_000,
  stopMs: 20_000,
  orphanMs: 20_000,
  restartFirstDelayMs: 50,
  restartLongestDelayMs: 5_000,
  restarts: 12,
  steadyMs: 60_000,
}

/** How to connect, as `pg` takes it. */
export interface PostgresConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

export interface RunningPostgres {
  /** The platform's role in the platform's database. */
  readonly connection: PostgresConnection
  readonly connectionUrl: string
  /** May do everything; for looking after the server, never for the platform's own queries. */
  readonly superuser: PostgresConnection
  /** `18.4` */
  readonly version: string
  readonly dataDir: string
  readonly logFile: string
  /** The server's pid now; undefined while it is down. */
  pid(): number | undefined
  /** Whether the server was found running rather than started. */
  readonly adopted: boolean
  /** Shuts the server down and frees the folder. Connections still open are cut. */
  stop(): Promise<void>
}

const ROLE = 'fog'
const READY_POLL_MS = 15
const LOG_TRIM_MS = 60_000

/**
 * Starts, or adopts, the PostgreSQL server of a data folder and keeps it running until `stop()`.
 *
 * The server listens on a Unix socket only, in a folder nobody else may enter. It ends when this process ends, however that
 * ends. Throws a `DatabaseServerError` that says what to do; a second process on the same folder gets `database.folder_in_use`.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  await makeDataFolder(options.dataDir)
  const dataDir = await realpath(options.dataDir)
  const lock = OwnerLock.take(dataDir)
  try {
    const server = await Supervisor.prepare({ ...options, dataDir }, lock)
    return await server.start()
  } catch (fault) {
    lock.release()
    throw fault
  }
}

interface Prepared {
  readonly cluster: string
  readonly socketFolder: string
  readonly binaries: Binaries
  readonly launcher: Launcher
  readonly version: ServerVersion
}

class Supervisor {
  readonly #options: PostgresOptions
  readonly #limits: PostgresLimits
  readonly #prepared: Prepared
  readonly #lock: OwnerLock
  readonly #log: ServerLog
  readonly #stopping = new AbortController()
  #server: ServerProcess | undefined
  #watched: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined

  private constructor(options: PostgresOptions, prepared: Prepared, lock: OwnerLock) {
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
    this.#prepared = prepared
    this.#lock = lock
    this.#log = new ServerLog(path.join(options.dataDir, 'postgres.log'), prepared.launcher.runAs)
  }

  /** Everything up to the server itself: programs, who runs them, the folders and the cluster. */
  static async prepare(options: PostgresOptions, lock: OwnerLock): Promise<Supervisor> {
    const { dataDir, binariesDir } = options
    const startedAt = performance.now()
    const cluster = path.join(dataDir, 'cluster')
    const socketFolder = socketFolderFor(dataDir)
    const binaries = await (binariesDir ? binariesIn(binariesDir) : packagedBinaries(path.join(dataDir, 'lib')))
    const launcher = await prepareLauncher(options, cluster, binaries)
    await makeSocketFolder(socketFolder, launcher.owner)
    const version = await versionOf(launcher, binaries)
    const isNew = await ensureCluster(cluster, binaries, launcher, version)
    if (isNew) {
      const tookMs = performance.now() - startedAt
      options.onEvent?.({ type: 'database.initialised', version: version.text, tookMs })
    }
    return new Supervisor(options, { cluster, socketFolder, binaries, launcher, version }, lock)
  }

  async start(): Promise<RunningPostgres> {
    try {
      this.#server = await this.#adoptOrLaunch()
      await this.#withClient('postgres', ensureRoleAndDatabase)
    } catch (fault) {
      await this.#end(this.#server)
      this.#log.close()
      throw fault
    }
    this.#watched = this.#keepRunning(this.#server)
    const trimming = setInterval(() => void this.#log.trim().catch(() => undefined), LOG_TRIM_MS).unref()
    this.#stopping.signal.addEventListener('abort', () => clearInterval(trimming))
    return this.#handle(this.#server.adopted)
  }

  #handle(adopted: boolean): RunningPostgres {
    const connection = this.#connection(ROLE, ROLE)
    return {
      connection,
      connectionUrl: urlOf(connection),
      superuser: this.#connection(SUPERUSER, 'postgres'),
      version: this.#prepared.version.text,
      dataDir: this.#options.dataDir,
      logFile: this.#log.path,
      adopted,
      pid: () => this.#server?.pid,
      stop: () => (this.#stopped ??= this.#stop()),
    }
  }

  /** Starts the server again each time it dies, a little later each time it does so soon after. */
  async #keepRunning(first: ServerProcess): Promise<void> {
    let server: ServerProcess | undefined = first
    let failures = 0
    while (server) {
      const upSince = performance.now()
      const reason = await server.ended
      this.#server = undefined
      if (this.#stopping.signal.aborted) return
      if (performance.now() - upSince > this.#limits.steadyMs) failures = 0
      this.#emit({ type: 'database.lost', pid: server.pid, reason })
      ;({ server, failures } = await this.#startAgain(failures))
      this.#server = server
    }
  }

  async #startAgain(failuresBefore: number): Promise<{ server: ServerProcess | undefined; failures: number }> {
    const { restarts, restartFirstDelayMs, restartLongestDelayMs } = this.#limits
    for (let failures = failuresBefore + 1; failures <= restarts; failures += 1) {
      const delayMs = Math.min(restartLongestDelayMs, restartFirstDelayMs * 2 ** (failures - 1))
      try {
        await sleep(delayMs, undefined, { signal: this.#stopping.signal })
        return { server: await this.#adoptOrLaunch(), failures }
      } catch (fault) {
        if (this.#stopping.signal.aborted) return { server: undefined, failures }
        this.#emit({ type: 'database.restart_failed', attempt: failures, reason: String(fault) })
      }
    }
    this.#emit({ type: 'database.given_up', attempts: restarts })
    return { server: undefined, failures: restarts }
  }

  async #adoptOrLaunch(): Promise<ServerProcess> {
    const startedAt = performance.now()
    const { cluster, socketFolder } = this.#prepared
    let connection: Client | undefined
    const isOurs = async () => (connection = await this.#connectToOurs()) !== undefined
    const patienceMs = this.#limits.orphanMs
    const orphan = await settleLeftovers({ cluster, socketFolder, isOurs, patienceMs })
    const server = orphan && connection ? adoptServer(orphan, cluster, connection) : await this.#launch()
    const tookMs = performance.now() - startedAt
    this.#emit({ type: 'database.started', pid: server.pid, adopted: server.adopted, tookMs })
    return server
  }

  async #launch(): Promise<ServerProcess> {
    const { cluster, socketFolder, binaries, launcher, version } = this.#prepared
    const settings = serverSettings(version.major, socketFolder, this.#options.settings)
    const logFrom = await this.#log.size()
    const command = [binaries.postgres, '-D', cluster, ...asArguments(settings)]
    const server = spawnServer(launcher, command, this.#log.descriptor)
    let failure: string | undefined
    void server.ended.then((reason) => (failure = reason))
    const deadline = performance.now() + this.#limits.startMs
    while (!(await this.#answers())) {
      if (this.#stopping.signal.aborted) failure ??= 'stopped'
      if (performance.now() > deadline) failure ??= `not up after ${this.#limits.startMs} ms`
      if (failure !== undefined) {
        await this.#end(server)
        const output = `${failure}. ${await this.#log.since(logFrom)}`
        throw new DatabaseServerError({ code: 'database.start_failed', folder: this.#options.dataDir, output })
      }
      await sleep(READY_POLL_MS)
    }
    return server
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#withClient('postgres', (client) => client.query('SELECT 1'))
      return true
    } catch {
      return false
    }
  }

  /** A connection to the server that runs, if it is the very one we would start: this folder, this version. */
  async #connectToOurs(): Promise<Client | undefined> {
    const client = new Client({ ...this.#connection(SUPERUSER, 'postgres'), connectionTimeoutMillis: 3_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query(
        `SELECT current_setting('server_version') AS version, current_setting('data_directory') AS folder`,
      )
      const { version, folder } = rows[0] as { version: string; folder: string }
      const same = folder === this.#prepared.cluster && parseVersion(version)?.text === this.#prepared.version.text
      if (same) return client
    } catch {
      // Not answering is an answer: it is not one to adopt.
    }
    hangUp(client)
    return undefined
  }

  async #withClient<T>(database: string, use: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ ...this.#connection(SUPERUSER, database), connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await use(client)
    } finally {
      hangUp(client)
    }
  }

  #connection(user: string, database: string): PostgresConnection {
    return { host: this.#prepared.socketFolder, port: SOCKET_PORT, user, database }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    await this.#end(this.#server)
    await this.#watched
    this.#log.close()
    this.#lock.release()
    this.#emit({ type: 'database.stopped' })
  }

  /** Fast shutdown, then immediate, then by force, each with its time. */
  async #end(server: ServerProcess | undefined): Promise<void> {
    if (!server) return
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      server.signal(signal)
      const waiting = new AbortController()
      const patience = sleep(this.#limits.stopMs, false, { signal: waiting.signal }).catch(() => false)
      const gone = await Promise.race([server.ended.then(() => true), patience])
      waiting.abort()
      if (gone) return
    }
    for (const pid of await serverProcesses(this.#prepared.cluster)) trySignal(pid, 'SIGKILL')
  }

  #emit(event: PostgresEvent): void {
    this.#options.onEvent?.(event)
  }
}

async function prepareLauncher(options: PostgresOptions, cluster: string, binaries: Binaries): Promise<Launcher> {
  const owner = await clusterOwner(cluster)
  const chosen = await chooseLauncher(options.dataDir, owner, options.rootMode)
  if (chosen.runAs) await giveTo(chosen.owner, options.dataDir, cluster)
  const { libraryFolder } = binaries
  return libraryFolder ? { ...chosen, libraryFolder } : chosen
}

/** The platform's role is an ordinary one: a query gone wrong must not reach the machine's files. */
async function ensureRoleAndDatabase(client: Client): Promise<void> {
  const role = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [ROLE])
  if (role.rowCount === 0) await client.query(`CREATE ROLE ${ROLE} LOGIN`)
  const database = await client.query('SELECT FROM pg_database WHERE datname = $1', [ROLE])
  if (database.rowCount === 0) await client.query(`CREATE DATABASE ${ROLE} OWNER ${ROLE}`)
}

/** Not waited for: on a connection that failed half-way, `end()` may never settle. */
function hangUp(client: Client): void {
  client.end().catch(() => undefined)
}

/** A Unix socket's folder goes into the query of the URL. */
export function urlOf({ host, port, user, database }: PostgresConnection): string {
  return `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}

/** How to reach the server that another process of ours keeps running in the folder. */
export async function connectionTo(dataDir: string): Promise<PostgresConnection> {
  return { host: socketFolderFor(await realpath(dataDir)), port: SOCKET_PORT, user: ROLE, database: ROLE }
}
