import type { AttemptId, Instant, TaskId } from '@fog/kernel'
import type { Checkpoint } from '@fog/scheduler'
import { sql } from 'kysely'
import type { CheckpointStore, StateFile } from '../ports.ts'
import { type KeptWork, withWork } from './job-rows.ts'
import { namesOf, rowsOf, type RowShape, texts } from './rows.ts'
import type { CheckpointRow, Db, StateFileRow } from './tables.ts'

const CHECKPOINT: RowShape<Checkpoint> = {
  attempt_id: ['text', (checkpoint) => checkpoint.attemptId],
  task_id: ['text', (checkpoint) => checkpoint.taskId],
  fence: ['int4', (checkpoint) => checkpoint.fence],
  sequence: ['int4', (checkpoint) => checkpoint.sequence],
  files: ['json', (checkpoint) => checkpoint.files],
  bytes: ['int8', (checkpoint) => checkpoint.bytes],
  work: ['json', (checkpoint) => checkpoint.work],
  signature: ['text', (checkpoint) => checkpoint.signature],
  at: ['int8', (checkpoint) => checkpoint.at],
}

const FILE: RowShape<StateFile> = {
  attempt_id: ['text', (file) => file.attemptId],
  digest: ['text', (file) => file.digest],
  task_id: ['text', (file) => file.taskId],
  size: ['int8', (file) => file.size],
  named: ['bool', () => false],
  at: ['int8', (file) => file.at],
  content: ['bytea', ({ kept }) => ('content' in kept ? kept.content : undefined)],
  kept_as: ['text', ({ kept }) => ('as' in kept ? kept.as : undefined)],
}

/** Checkpoints in PostgreSQL. What a statement lets go of goes among the leftovers in the same statement. */
export class PgCheckpointStore implements CheckpointStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async addFile(file: StateFile): Promise<void> {
    const added = await sql`
      INSERT INTO state_files (${namesOf(FILE)}) SELECT * FROM ${rowsOf(FILE, [file])}
      ON CONFLICT DO NOTHING`.execute(this.#db)
    if (added.numAffectedRows === 0n && 'as' in file.kept) await this.#leave([file.kept.as])
  }

  async bytesOf(attemptId: AttemptId): Promise<number> {
    const { rows } = await sql<{ bytes: number }>`
      SELECT coalesce(sum(size), 0)::bigint AS bytes FROM state_files WHERE attempt_id = ${attemptId}`.execute(this.#db)
    return rows[0]!.bytes
  }

  async findFile(attemptId: AttemptId, digest: string): Promise<StateFile | undefined> {
    const { rows } = await sql<StateFileRow>`
      SELECT * FROM state_files WHERE attempt_id = ${attemptId} AND digest = ${digest}`.execute(this.#db)
    return rows[0] && toFile(rows[0])
  }

  async save(checkpoint: Checkpoint, from: AttemptId | undefined): Promise<string | undefined> {
    const { attemptId, files } = checkpoint
    const line = from === undefined ? [attemptId] : [attemptId, from]
    const named = [...new Set(files.map(({ digest }) => digest))]
    const { rows } = await sql<{ digest: string; size: number }>`
      SELECT digest, size FROM state_files WHERE attempt_id = ANY (${texts(line)}) AND digest = ANY (${texts(named)})
      ORDER BY attempt_id, digest FOR UPDATE`.execute(this.#db)
    const sizes = new Map(rows.map((row) => [row.digest, row.size]))
    const missing = files.find(({ digest, size }) => sizes.get(digest) !== size)
    if (missing) return missing.digest
    await sql`
      UPDATE state_files SET attempt_id = ${attemptId}
      WHERE attempt_id = ${from ?? ''} AND digest = ANY (${texts(named)}) AND NOT EXISTS (
        SELECT FROM state_files own WHERE own.attempt_id = ${attemptId} AND own.digest = state_files.digest
      )`.execute(this.#db)
    await sql`
      UPDATE state_files SET named = true
      WHERE attempt_id = ${attemptId} AND digest = ANY (${texts(named)}) AND NOT named`.execute(this.#db)
    await this.#letGo(sql`
      (attempt_id = ${attemptId} AND NOT digest = ANY (${texts(named)})) OR attempt_id = ${from ?? ''}`)
    await sql`DELETE FROM checkpoints WHERE attempt_id = ${from ?? ''}`.execute(this.#db)
    await sql`
      INSERT INTO checkpoints (${namesOf(CHECKPOINT)}) SELECT * FROM ${rowsOf(CHECKPOINT, [checkpoint])}
      ON CONFLICT (attempt_id) DO UPDATE SET ${EXCLUDED}`.execute(this.#db)
    return undefined
  }

  async newest(taskIds: readonly TaskId[]): Promise<Map<TaskId, Checkpoint>> {
    if (taskIds.length === 0) return new Map()
    const { rows } = await sql<CheckpointRow>`
      SELECT DISTINCT ON (task_id) * FROM checkpoints WHERE task_id = ANY (${texts(taskIds)})
      ORDER BY task_id, fence DESC`.execute(this.#db)
    return new Map(rows.map((row) => [row.task_id, toCheckpoint(row)]))
  }

  async release(taskIds: readonly TaskId[]): Promise<void> {
    if (taskIds.length === 0) return
    await this.#letGo(sql`task_id = ANY (${texts(taskIds)})`)
    await sql`DELETE FROM checkpoints WHERE task_id = ANY (${texts(taskIds)})`.execute(this.#db)
  }

  async releaseUnnamed(before: Instant, limit: number): Promise<number> {
    return this.#letGo(sql`(attempt_id, digest) IN (
      SELECT attempt_id, digest FROM state_files WHERE NOT named AND at < ${before} ORDER BY at LIMIT ${limit}
      FOR UPDATE SKIP LOCKED
    )`)
  }

  async listLeftovers(limit: number): Promise<string[]> {
    const rows = await this.#db.selectFrom('state_leftovers').selectAll().orderBy('kept_as').limit(limit).execute()
    return rows.map((row) => row.kept_as)
  }

  async forgetLeftovers(names: readonly string[]): Promise<void> {
    await sql`DELETE FROM state_leftovers WHERE kept_as = ANY (${texts(names)})`.execute(this.#db)
  }

  async #letGo(which: ReturnType<typeof sql>): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      WITH gone AS (DELETE FROM state_files WHERE ${which} RETURNING kept_as), left_over AS (
        INSERT INTO state_leftovers SELECT kept_as FROM gone WHERE kept_as IS NOT NULL ON CONFLICT DO NOTHING
      )
      SELECT count(*) AS count FROM gone`.execute(this.#db)
    return rows[0]!.count
  }

  async #leave(names: readonly string[]): Promise<void> {
    await sql`
      INSERT INTO state_leftovers SELECT * FROM unnest(${texts(names)}) ON CONFLICT DO NOTHING`.execute(this.#db)
  }
}

const EXCLUDED = sql.join(
  Object.keys(CHECKPOINT)
    .filter((name) => name !== 'attempt_id')
    .map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`),
)

function toFile(row: StateFileRow): StateFile {
  const { attempt_id: attemptId, task_id: taskId, digest, size, at } = row
  const kept = row.content ? { content: new Uint8Array(row.content) } : { as: row.kept_as! }
  return { attemptId, taskId, digest, size, kept, at }
}

/** Written by this store and nobody else, so its form is known. */
function toCheckpoint(row: CheckpointRow): Checkpoint {
  const { attempt_id: attemptId, task_id: taskId, fence, sequence, files, bytes, signature, at } = row
  const { work } = withWork({ work: row.work as readonly KeptWork[] })
  return { attemptId, taskId, fence, sequence, files, bytes, work, signature, at }
}
