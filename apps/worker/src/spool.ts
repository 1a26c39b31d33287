import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { AttemptId } from '@fog/kernel'
import { WorkerError } from './errors.ts'

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

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (attempt_id TEXT PRIMARY KEY, fence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS finished (
    sequence INTEGER PRIMARY KEY,
    attempt_id TEXT NOT NULL UNIQUE,
    fence INTEGER NOT NULL,
    message TEXT NOT NULL,
    uploads TEXT NOT NULL,
    upload_bytes INTEGER NOT NULL
  ) STRICT;
`

/**
 * What must survive the worker's death: the leases it took and the results nobody has acknowledged yet.
 *
 * Holding the spool is holding the folder: its file lock goes with the process, however that dies. Results that finish
 * in one turn are made durable by one commit; what costs nothing to lose rides with the next of them.
 */
export class Spool {
  readonly #database: DatabaseSync
  readonly #options: SpoolOptions
  readonly #statements: Statements
  /** Unacknowledged results and the size of each. */
  readonly #results = new Map<AttemptId, { readonly fence: number; readonly bytes: number }>()
  #bytes = 0
  #pending: Change[] = []
  #commit: NodeJS.Immediate | undefined
  #laterCommit: NodeJS.Timeout | undefined

  private constructor(database: DatabaseSync, options: SpoolOptions) {
    this.#database = database
    this.#options = options
    this.#statements = prepare(database)
    for (const { attemptId, fence, bytes } of this.#statements.sizes.all() as unknown as SizeRow[]) {
      this.#results.set(attemptId, { fence, bytes })
      this.#bytes += bytes
    }
  }

  /** Takes the folder for this process. Throws `worker.folder_in_use` or `worker.spool_unreadable`. */
  static open(folder: string, options: SpoolOptions = DEFAULT_SPOOL): Spool {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, 'spool.db')
    const database = openDatabase(file, folder)
    try {
      database.exec(SCHEMA)
      return new Spool(database, options)
    } catch (fault) {
      database.close()
      throw new WorkerError({ code: 'worker.spool_unreadable', file, why: reasonOf(fault) }, { cause: fault })
    }
  }

  /** Whether so much waits for acknowledgement that no more work may be taken. */
  get isFull(): boolean {
    return this.#results.size >= this.#options.maxResults || this.#bytes >= this.#options.maxBytes
  }

  /** Leases taken and not ended. Right after a start these are what the last run left unfinished. */
  leases(): HeldAttempt[] {
    return this.#statements.leases.all() as unknown as HeldAttempt[]
  }

  /** Unacknowledged results, oldest first. */
  unacknowledged(): readonly AttemptId[] {
    return [...this.#results.keys()]
  }

  fenceOfResult(attemptId: AttemptId): number | undefined {
    return this.#results.get(attemptId)?.fence
  }

  find(attemptId: AttemptId): FinishedAttempt | undefined {
    const row = this.#statements.find.get(attemptId) as ResultRow | undefined
    return row && { ...row, uploads: JSON.parse(row.uploads) as string[] }
  }

  /** Notes a lease. Losing it loses nothing: the control plane knows that it gave it. */
  accept(held: HeldAttempt): Promise<void> {
    return this.#change('later', () => void this.#statements.accept.run(held.attemptId, held.fence))
  }

  /** Ends a lease without a result. */
  drop(attemptId: AttemptId): Promise<void> {
    return this.#change('later', () => void this.#statements.drop.run(attemptId))
  }

  /** Turns a lease into a result. Resolves when it is durable; rejects when it cannot be kept. */
  async finish({ attemptId, fence, message, uploads, uploadBytes }: FinishedAttempt): Promise<void> {
    await this.#change('now', () => {
      this.#statements.drop.run(attemptId)
      this.#statements.keep.run(attemptId, fence, message, JSON.stringify(uploads), uploadBytes)
    })
    this.#count(attemptId, { fence, bytes: message.length + uploadBytes })
  }

  /** Forgets results that were acknowledged, or will never count. Come back from a crash, they are told to go again. */
  forget(attemptIds: readonly AttemptId[]): Promise<void> {
    for (const attemptId of attemptIds) this.#count(attemptId, undefined)
    return this.#change('later', () => attemptIds.forEach((attemptId) => this.#statements.forget.run(attemptId)))
  }

  /** Commits what is pending and gives the folder free. */
  close(): void {
    this.#flush()
    this.#database.close()
  }

  #count(attemptId: AttemptId, now: { fence: number; bytes: number } | undefined): void {
    this.#bytes += (now?.bytes ?? 0) - (this.#results.get(attemptId)?.bytes ?? 0)
    if (now) this.#results.set(attemptId, now)
    else this.#results.delete(attemptId)
  }

  #change(when: 'now' | 'later', apply: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.push({ apply, resolve, reject })
    if (when === 'now') this.#commit ??= setImmediate(() => this.#flush())
    else this.#laterCommit ??= setTimeout(() => this.#flush(), LATER_MS)
    return promise
  }

  #flush(): void {
    clearImmediate(this.#commit)
    clearTimeout(this.#laterCommit)
    this.#commit = undefined
    this.#laterCommit = undefined
    const changes = this.#pending
    this.#pending = []
    if (changes.length === 0) return
    try {
      this.#inTransaction(() => changes.forEach(({ apply }) => apply()))
      changes.forEach(({ resolve }) => resolve())
    } catch (fault) {
      changes.forEach(({ reject }) => reject(fault))
    }
  }

  #inTransaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#database.exec('COMMIT')
    } catch (fault) {
      // A full disk has sometimes ended the transaction already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw fault
    }
  }
}

interface Change {
  readonly apply: () => void
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

type Statements = Readonly<Record<'leases' | 'accept' | 'drop' | 'keep' | 'forget' | 'find' | 'sizes', StatementSync>>

function prepare(database: DatabaseSync): Statements {
  const result = 'attempt_id AS attemptId, fence'
  return {
    leases: database.prepare(`SELECT ${result} FROM leases`),
    accept: database.prepare('INSERT OR REPLACE INTO leases (attempt_id, fence) VALUES (?, ?)'),
    drop: database.prepare('DELETE FROM leases WHERE attempt_id = ?'),
    keep: database.prepare(
      'INSERT OR REPLACE INTO finished (attempt_id, fence, message, uploads, upload_bytes) VALUES (?, ?, ?, ?, ?)',
    ),
    forget: database.prepare('DELETE FROM finished WHERE attempt_id = ?'),
    find: database.prepare(
      `SELECT ${result}, message, uploads, upload_bytes AS uploadBytes FROM finished WHERE attempt_id = ?`,
    ),
    sizes: database.prepare(
      `SELECT ${result}, length(message) + upload_bytes AS bytes FROM finished ORDER BY sequence`,
    ),
  }
}

const SQLITE_BUSY = 5

function openDatabase(file: string, folder: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    // The exclusive lock is taken by the first write and kept until the file is closed.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('BEGIN IMMEDIATE; COMMIT')
    return database
  } catch (fault) {
    database?.close()
    if ((fault as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new WorkerError({ code: 'worker.folder_in_use', folder }, { cause: fault })
    }
    throw new WorkerError({ code: 'worker.spool_unreadable', file, why: reasonOf(fault) }, { cause: fault })
  }
}

function reasonOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}
