import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
import { Client } from 'pg'
import { systemRng } from '@fog/kernel/node'
import type { Log } from '../platform.ts'
import type { Database, Stores, Transaction, WakeTopic } from '../ports.ts'
import { DatabaseError } from './database-error.ts'
import { migrate } from './migrate.ts'
import { PgAccessStore } from './pg-access-store.ts'
import { PgBlobIndex } from './pg-blob-index.ts'
import { PgCheckpointStore } from './pg-checkpoint-store.ts'
import { PgDirectoryStore } from './pg-directory-store.ts'
import { PgEventLog } from './pg-event-log.ts'
import { isConflict, isConnectionLost } from './pg-faults.ts'
import { PgFrontStore } from './pg-front-store.ts'
import { PgGatewayStore } from './pg-gateway-store.ts'
import { PgJobStore } from './pg-job-store.ts'
import { PgLedgerStore } from './pg-ledger-store.ts'
import { PgLogStore } from './pg-log-store.ts'
import { PgMixnetStore } from './pg-mixnet-store.ts'
import { PgQuotaStore } from './pg-quota-store.ts'
import { PgScheduleStore } from './pg-schedule-store.ts'
import { PgNodeStore } from './pg-node-store.ts'
import { connectionConfig, makePool, POOL_LIMITS } from './pg-pool.ts'
import { PgWakeups } from './pg-wakeups.ts'
import type { DatabaseAddress, PoolLimits } from './pg-pool.ts'
import type { Db, Tables } from './tables.ts'

export interface PgDatabaseOptions {
  readonly address: DatabaseAddress
  /** Whether no other control plane works on the database: then nobody else has to be woken. */
  readonly alone?: boolean | undefined
  readonly log?: Log | undefined
  readonly limits?: Partial<PgDatabaseLimits>
}

export interface PgDatabaseLimits extends PoolLimits {
  /** How often a transaction that was in another's way is run again. */
  readonly conflictRetries: number
  /** How long a transaction waits for a database that went away, before it began or in its middle. */
  readonly reconnectMs: number
}

const LIMITS: PgDatabaseLimits = { ...POOL_LIMITS, conflictRetries: 10, reconnectMs: 20_000 }
const CONFLICT_FIRST_DELAY_MS = 4
const RECONNECT_FIRST_DELAY_MS = 25
const LONGEST_DELAY_MS = 1_000

/** Connects, brings the schema up to date, and answers the database, ready for use. */
export async function openPgDatabase(options: PgDatabaseOptions): Promise<PgDatabase> {
  const client = new Client({ ...connectionConfig(options.address), connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const applied = await migrate(client)
    if (applied.length > 0) options.log?.info({ applied }, 'the database schema was brought up to date')
  } catch (fault) {
    if (isConnectionLost(fault)) throw unreachable(fault)
    throw fault
  } finally {
    client.end().catch(() => undefined)
  }
  return PgDatabase.connect(options)
}

/** The platform's stores on PostgreSQL 15 or newer. */
export class PgDatabase implements Database {
  readonly read: Stores
  readonly #pool: Pool
  readonly #kysely: Db
  readonly #wakeups: PgWakeups
  readonly #limits: PgDatabaseLimits
  readonly #log: Log | undefined
  #closed = false

  private constructor({ address, alone, log, limits }: PgDatabaseOptions) {
    this.#limits = { ...LIMITS, ...limits }
    this.#log = log
    this.#pool = makePool(address, this.#limits)
    const onLost = (fault: Error) => log?.debug({ err: fault }, 'a database connection was lost')
    // The pool listens only while a connection is idle. One that breaks in the middle of a transaction says so twice: to the
    // statement under way, and as an event that would end the process if nobody listened.
    this.#pool.on('error', onLost).on('connect', (client) => client.on('error', onLost))
    this.#kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: this.#pool }) })
    this.#wakeups = new PgWakeups({ address, alone, log })
    this.read = storesOf(this.#kysely)
  }

  static async connect(options: PgDatabaseOptions): Promise<PgDatabase> {
    const database = new PgDatabase(options)
    await database.#wakeups.start()
    return database
  }

  /**
   * Runs `work` in one transaction. It is run again when it was in another's way, or when the connection was lost before the
   * commit was sent; when it was lost at the commit itself, the database is asked what became of it, and only if it
   * cannot tell is `database.outcome_unknown` thrown.
   */
  async transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(work)
      if (outcome.committed) {
        this.#wakeups.announce(outcome.woken)
        return outcome.answer
      }
      const { fault } = outcome
      if (this.#closed) throw new DatabaseError({ code: 'database.closed' }, { cause: fault })
      await this.#beforeRetry(fault, attempt, startedAt)
    }
  }

  onWake(topic: WakeTopic, run: () => void): () => void {
    return this.#wakeups.on(topic, run)
  }

  async ping(): Promise<void> {
    try {
      await sql`SELECT 1`.execute(this.#kysely)
    } catch (fault) {
      throw isConnectionLost(fault) ? unreachable(fault) : fault
    }
  }

  /** How busy the pool is, for metrics. */
  connections(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return { open: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#wakeups.stop()
    await this.#kysely.destroy()
  }

  async #attempt<T>(work: (transaction: Transaction) => Promise<T>): Promise<Attempted<T>> {
    const woken = new Set<WakeTopic>()
    const progress: Progress = { committing: false, xid: undefined }
    try {
      const answer = await this.#kysely.connection().execute((db) => runIn(db, work, woken, progress))
      return { committed: true, answer, woken }
    } catch (fault) {
      if (!progress.committing || !isConnectionLost(fault)) return { committed: false, fault }
      const committed = await this.#wasCommitted(progress)
      if (committed === undefined) throw new DatabaseError({ code: 'database.outcome_unknown' }, { cause: fault })
      // The answer was ready before the commit was sent.
      return committed ? { committed, answer: progress.answer as T, woken } : { committed, fault }
    }
  }

  /** Waits before the next attempt, or throws when there shall be none. */
  async #beforeRetry(fault: unknown, attempt: number, startedAt: number): Promise<void> {
    if (isConflict(fault) && attempt <= this.#limits.conflictRetries) {
      return backOff(CONFLICT_FIRST_DELAY_MS, attempt)
    }
    if (!isConnectionLost(fault)) throw fault
    if (performance.now() - startedAt > this.#limits.reconnectMs) throw unreachable(fault)
    this.#log?.warn({ err: fault, attempt }, 'the database connection was lost, trying again')
    await backOff(RECONNECT_FIRST_DELAY_MS, attempt)
  }

  /** Whether a transaction whose answer was lost took effect; undefined when the database cannot tell in time. */
  async #wasCommitted({ xid, serverStart }: Progress): Promise<boolean | undefined> {
    // It changed nothing, so there was nothing to lose.
    if (xid === undefined) return true
    const startedAt = performance.now()
    for (let attempt = 1; performance.now() - startedAt < this.#limits.reconnectMs && !this.#closed; attempt += 1) {
      try {
        const { rows } = await sql<XactStatus>`
          SELECT pg_xact_status(${xid}::xid8) AS status, pg_postmaster_start_time()::text AS start`.execute(
          this.#kysely,
        )
        const { status, start } = rows[0]!
        // A server that crashed may give the number of a transaction it forgot to another one: then nobody can tell.
        if (start !== serverStart) return undefined
        if (status === 'committed' || status === 'aborted') return status === 'committed'
        if (status !== 'in progress') return undefined
      } catch (fault) {
        if (!isConnectionLost(fault)) return undefined
      }
      await backOff(RECONNECT_FIRST_DELAY_MS, attempt)
    }
    return undefined
  }
}

type Attempted<T> =
  | { readonly committed: true; readonly answer: T; readonly woken: ReadonlySet<WakeTopic> }
  | { readonly committed: false; readonly fault: unknown }

interface XactStatus {
  readonly status: string | null
  readonly start: string
}

/** How far a transaction came. */
interface Progress {
  committing: boolean
  xid: string | undefined
  /** When the server started that gave the number. */
  serverStart?: string
  answer?: unknown
}

async function runIn<T>(
  db: Db,
  work: (transaction: Transaction) => Promise<T>,
  woken: Set<WakeTopic>,
  progress: Progress,
): Promise<T> {
  await sql`BEGIN ISOLATION LEVEL READ COMMITTED`.execute(db)
  try {
    const answer = await work({ ...storesOf(db), wake: (topic) => woken.add(topic) })
    progress.answer = answer
    // Tells what to ask for should the answer to the commit be lost. It also fails if a statement failed and the work went
    // on regardless, where a mere COMMIT would quietly take everything back.
    const { rows } = await sql<{ xid: string | null; start: string }>`
      SELECT pg_current_xact_id_if_assigned()::text AS xid, pg_postmaster_start_time()::text AS start`.execute(db)
    progress.xid = rows[0]?.xid ?? undefined
    progress.serverStart = rows[0]!.start
    progress.committing = true
    await sql`COMMIT`.execute(db)
    return answer
  } catch (fault) {
    await sql`ROLLBACK`.execute(db).catch(() => undefined)
    throw fault
  }
}

function storesOf(db: Db): Stores {
  return {
    nodes: new PgNodeStore(db),
    jobs: new PgJobStore(db),
    ledger: new PgLedgerStore(db),
    access: new PgAccessStore(db),
    blobs: new PgBlobIndex(db),
    events: new PgEventLog(db),
    logs: new PgLogStore(db),
    gateways: new PgGatewayStore(db),
    quotas: new PgQuotaStore(db),
    fronts: new PgFrontStore(db),
    schedules: new PgScheduleStore(db),
    checkpoints: new PgCheckpointStore(db),
    mixnet: new PgMixnetStore(db),
    directory: (network) => new PgDirectoryStore(db, network),
  }
}

/** Doubling, with chance, so that two who met do not meet again. */
async function backOff(firstMs: number, attempt: number): Promise<void> {
  const ms = Math.min(LONGEST_DELAY_MS, firstMs * 2 ** (attempt - 1))
  await sleep(ms * (0.5 + systemRng.next()))
}

function unreachable(fault: unknown): DatabaseError {
  const reason = fault instanceof Error ? fault.message : String(fault)
  return new DatabaseError({ code: 'database.unreachable', reason }, { cause: fault })
}
