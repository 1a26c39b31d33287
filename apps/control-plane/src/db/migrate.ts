import { toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import type { ClientBase } from 'pg'
import { DatabaseError } from './database-error.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Migration } from './migrations/index.ts'

/** Advisory locks share one space of numbers; ours all begin with "fog". */
const MIGRATION_LOCK = 0x66_6f_67_01

/** The oldest server whose SQL we keep to. */
const OLDEST_MAJOR = 15

interface Applied {
  readonly number: number
  readonly name: string
  readonly checksum: string
}

/**
 * Brings the schema up to date, each step whole or not at all, and answers the numbers that were applied. Any number of
 * control planes may do it at once: the others wait for the first. Refuses a database that is newer than this code.
 */
export async function migrate(client: ClientBase, migrations = MIGRATIONS): Promise<number[]> {
  await refuseOldServer(client)
  await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
  try {
    await prepareSchema(client)
    const missing = await missingIn(client, migrations)
    for (const migration of missing) await apply(client, migration)
    return missing.map(({ number }) => number)
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
  }
}

/** Makes the table that says which migrations were applied. */
export async function prepareSchema(client: ClientBase): Promise<void> {
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz DEFAULT now())`)
}

/** Applies one step within the caller's transaction. */
export async function applyMigration(client: ClientBase, migration: Migration): Promise<void> {
  const { number, name, sql } = migration
  await client.query(sql)
  const row = [number, name, checksumOf(migration)]
  await client.query('INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)', row)
}

export function checksumOf({ sql }: Migration): string {
  return toHex(sha256(utf8(sql)))
}

async function missingIn(client: ClientBase, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<Applied>('SELECT number, name, checksum FROM schema_migrations ORDER BY number')
  const known = migrations.at(-1)?.number ?? 0
  for (const { number, name, checksum } of rows) {
    const migration = migrations.find((each) => each.number === number)
    if (!migration) throw new DatabaseError({ code: 'database.newer_than_code', found: rows.at(-1)!.number, known })
    if (checksumOf(migration) !== checksum) {
      throw new DatabaseError({ code: 'database.migration_changed', number, name })
    }
  }
  const applied = new Set(rows.map(({ number }) => number))
  return migrations.filter(({ number }) => !applied.has(number))
}

async function apply(client: ClientBase, migration: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    await applyMigration(client, migration)
    await client.query('COMMIT')
  } catch (fault) {
    await client.query('ROLLBACK')
    const reason = fault instanceof Error ? fault.message : String(fault)
    const { number, name } = migration
    throw new DatabaseError({ code: 'database.migration_failed', number, name, reason }, { cause: fault })
  }
}

async function refuseOldServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ have: string; number: string }>(
    `SELECT current_setting('server_version') AS have, current_setting('server_version_num') AS number`,
  )
  const { have, number } = rows[0]!
  if (Number(number) < OLDEST_MAJOR * 10_000) {
    throw new DatabaseError({ code: 'database.server_version', have, need: OLDEST_MAJOR })
  }
}
