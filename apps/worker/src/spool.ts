import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AttemptId } from '@fog/kernel'
import { WorkerError } from './errors.ts'
import { SpoolDatabase, SpoolDatabaseFault } from './spool-database.ts'
import type { Statement } from './spool-thread.ts'

/** A result that the control plane has not acknowledged. */
export interface FinishedAttempt {
  readonly attemptId: AttemptId
  readonly fence: number
  /** The whole `result` message, as it is sent. */
  readonly message: string
  /** Digests of the contents that must be uploaded before it is sent; they lie in the outbox. */
  readonly uploads: readonly string[]
  /** Bytes of those contents. */
  readonly uploadBytes: number
}

export interface HeldAttempt {
  readonly attemptId: AttemptId
  readonly fence: number
}

export interface SpoolOptions {
  /** Unacknowledged results kept at most, and their bytes, contents in the outbox included; past this no more leases are taken. */
  readonly maxResults: number
  readonly maxBytes: number
}

/** `hello` names at most 10,000 attempts; running ones need room beside these. */
export const DEFAULT_SPOOL: SpoolOptions = { maxResults: 8_000, maxBytes: 4 * 1024 * 1024 * 1024 }

/** What may wait for a commit waits this long at most. */
const LATER_MS = 250
/** Results kept at hand too: most are sent at once, and once. */
const MOST_AT_HAND = 64

const SETUP = [
  // The exclusive lock is taken by the first write and kept until the file is closed.
  'PRAGMA locking_mode = EXCLUSIVE',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  'BEGIN IMMEDIATE',
  'CREATE TABLE IF NOT EXISTS leases (attempt_id TEXT PRIMARY KEY, fence INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  `CREATE TABLE IF NOT EXISTS finished (
    sequence INTEGER PRIMARY KEY,
    attempt_id TEXT NOT NULL UNIQUE,
    fence INTEGER NOT NULL,
    message TEXT NOT NULL,
    uploads TEXT NOT NULL,
    upload_bytes INTEGER NOT NULL
  ) STRICT`,
  'COMMIT',
]

const ACCEPT = 'INSERT OR REPLACE INTO leases (attempt_id, fence) VALUES (?, ?)'
const DROP = 'DELETE FROM leases WHERE attempt_id = ?'
const KEEP =
  'INSERT OR REPLACE INTO finished (attempt_id, fence, message, uploads, upload_bytes) VALUES (?, ?, ?, ?, ?)'
const FORGET = 'DELETE FROM finished WHERE attempt_id = ?'
const LEASES = 'SELECT attempt_id AS attemptId, fence FROM leases'
const FIND = `SELECT attempt_id AS attemptId, fence, message, uploads, upload_bytes AS uploadBytes
  FROM finished WHERE attempt_id = ?`
const SIZES = `SELECT attempt_id AS attemptId, fence, length(message) + upload_bytes AS bytes
  FROM finished ORDER BY sequence`

/**
 * What must survive the worker's death: the leases it took and the results nobody has acknowledged yet.
 *
 * Holding the spool is holding the folder: its file lock goes with the process, however that dies. Results that finish
 * while one commit is under way share the next; what costs nothing to lose rides with them.
 */
export class Spool {
  readonly #database: SpoolDatabase
  readonly #options: SpoolOptions
  /** Unacknowledged results and the size of each. */
  readonly #results: Map<AttemptId, { readonly fence: number; readonly bytes: number }>
  readonly #atHand = new Map<AttemptId, FinishedAttempt>()
  /** Leases of the last run that it never ended. */
  readonly #interrupted: readonly HeldAttempt[]
  #bytes: number
  #pending: Change[] = []
  #committing: Promise<void> | undefined
  #laterCommit: NodeJS.Timeout | undefined

  private constructor(
    database: SpoolDatabase,
    options: SpoolOptions,
    sizes: readonly SizeRow[],
    leases: HeldAttempt[],
  ) {
    this.#database = database
    this.#options = options
    this.#results = new Map(sizes.map(({ attemptId, fence, bytes }) => [attemptId, { fence, bytes }]))
    this.#bytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#interrupted = leases
  }

  /** Takes the folder for this process. Throws `worker.folder_in_use` or `worker.spool_unreadable`. */
  static async open(folder: string, options: SpoolOptions = DEFAULT_SPOOL): Promise<Spool> {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, 'spool.db')
    const words = { begin: 'BEGIN IMMEDIATE', commit: 'COMMIT', rollback: 'ROLLBACK' }
    try {
      const database = await SpoolDatabase.open({ file, statements: SETUP, ...words })
      const sizes = (await database.read(SIZES)) as readonly SizeRow[]
      const leases = (await database.read(LEASES)) as readonly HeldAttempt[]
      return new Spool(database, options, sizes, [...leases])
    } catch (fault) {
      throw openingFault(fault, folder, file)
    }
  }

  /** Whether so much waits for acknowledgement that no more work may be taken. */
  get isFull(): boolean {
    return this.#results.size >= this.#options.maxResults || this.#bytes >= this.#options.maxBytes
  }

  /** Leases that the last run took and never ended. */
  get interrupted(): readonly HeldAttempt[] {
    return this.#interrupted
  }

  /** Unacknowledged results, oldest first. */
  unacknowledged(): readonly AttemptId[] {
    return [...this.#results.keys()]
  }

  fenceOfResult(attemptId: AttemptId): number | undefined {
    return this.#results.get(attemptId)?.fence
  }

  async find(attemptId: AttemptId): Promise<FinishedAttempt | undefined> {
    const atHand = this.#atHand.get(attemptId)
    if (atHand || !this.#results.has(attemptId)) return atHand
    const [row] = (await this.#database.read(FIND, [attemptId])) as readonly ResultRow[]
    return row && { ...row, uploads: JSON.parse(row.uploads) as string[] }
  }

  /** Notes a lease. Losing it loses nothing: the control plane knows that it gave it. */
  accept({ attemptId, fence }: HeldAttempt): Promise<void> {
    return this.#change('later', { text: ACCEPT, values: [attemptId, fence] })
  }

  /** Ends a lease without a result. */
  drop(attemptId: AttemptId): Promise<void> {
    return this.#change('later', { text: DROP, values: [attemptId] })
  }

  /** Turns a lease into a result. Resolves when it is durable; rejects when it cannot be kept. */
  async finish(finished: FinishedAttempt): Promise<void> {
    const { attemptId, fence, message, uploads, uploadBytes } = finished
    const values = [attemptId, fence, message, JSON.stringify(uploads), uploadBytes]
    await this.#change('now', { text: DROP, values: [attemptId] }, { text: KEEP, values })
    this.#count(attemptId, { fence, bytes: message.length + uploadBytes })
    this.#atHand.set(attemptId, finished)
    const [oldest] = this.#atHand.keys()
    if (this.#atHand.size > MOST_AT_HAND && oldest) this.#atHand.delete(oldest)
  }

  /** Forgets results that were acknowledged, or will never count. Come back from a crash, they are told to go again. */
  forget(attemptIds: readonly AttemptId[]): Promise<void> {
    for (const attemptId of attemptIds) {
      this.#count(attemptId, undefined)
      this.#atHand.delete(attemptId)
    }
    return this.#change('later', ...attemptIds.map((attemptId) => ({ text: FORGET, values: [attemptId] })))
  }

  /** Commits what is pending and gives the folder free. */
  async close(): Promise<void> {
    await this.#commit()
    await this.#database.close()
  }

  #count(attemptId: AttemptId, now: { fence: number; bytes: number } | undefined): void {
    this.#bytes += (now?.bytes ?? 0) - (this.#results.get(attemptId)?.bytes ?? 0)
    if (now) this.#results.set(attemptId, now)
    else this.#results.delete(attemptId)
  }

  #change(when: 'now' | 'later', ...statements: Statement[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.push({ statements, resolve, reject })
    if (when === 'now') void this.#commit()
    else this.#laterCommit ??= setTimeout(() => void this.#commit(), LATER_MS)
    return promise
  }

  /** One commit at a time: what comes meanwhile is the next one's. Resolves when nothing is pending. */
  #commit(): Promise<void> {
    this.#committing ??= this.#commitAll()
    return this.#committing
  }

  async #commitAll(): Promise<void> {
    // What finishes in the same turn shares the first one.
    await Promise.resolve()
    while (this.#pending.length > 0) {
      clearTimeout(this.#laterCommit)
      this.#laterCommit = undefined
      const changes = this.#pending
      this.#pending = []
      try {
        await this.#database.write(changes.flatMap(({ statements }) => statements))
        changes.forEach(({ resolve }) => resolve())
      } catch (fault) {
        changes.forEach(({ reject }) => reject(fault))
      }
    }
    this.#committing = undefined
  }
}

interface Change {
  readonly statements: readonly Statement[]
  readonly resolve: () => void
  readonly reject: (fault: unknown) => void
}

interface SizeRow {
  readonly attemptId: AttemptId
  readonly fence: number
  readonly bytes: number
}

interface ResultRow {
  readonly attemptId: AttemptId
  readonly fence: number
  readonly message: string
  readonly uploads: string
  readonly uploadBytes: number
}

const SQLITE_BUSY = 5

function openingFault(fault: unknown, folder: string, file: string): WorkerError {
  if (fault instanceof SpoolDatabaseFault && fault.code === SQLITE_BUSY) {
    return new WorkerError({ code: 'worker.folder_in_use', folder }, { cause: fault })
  }
  const why = fault instanceof Error ? fault.message : String(fault)
  return new WorkerError({ code: 'worker.spool_unreadable', file, why }, { cause: fault })
}
