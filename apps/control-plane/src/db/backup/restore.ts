import { createReadStream } from 'node:fs'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { toHex } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'
import { brokenRules } from '@fog/tokenomics'
import { Kysely, PostgresDialect } from 'kysely'
import { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { extract } from 'tar-stream'
import type { BlobStore } from '../../ports.ts'
import { applyMigration, migrate, prepareSchema } from '../migrate.ts'
import { MIGRATIONS } from '../migrations/index.ts'
import { PgLedgerStore } from '../pg-ledger-store.ts'
import { connectionConfig } from '../pg-pool.ts'
import type { DatabaseAddress } from '../pg-pool.ts'
import type { Tables } from '../tables.ts'
import { FORMAT, HEADER, MANIFEST, parseEntryName, TABLES_IN_ORDER } from './archive.ts'
import type { Header, Manifest, TableHeader, TableSum } from './archive.ts'
import { BackupError } from './backup-error.ts'

export interface RestoreDependencies {
  readonly address: DatabaseAddress
  readonly blobs: BlobStore
}

export interface RestoreSummary {
  readonly madeAt: string
  readonly rows: number
  readonly contents: number
}

/** One thing in the archive. */
type Entry = AsyncIterable<Buffer> & { readonly header: { readonly name: string } }

/** A file is read by itself and never trusted: what it says of itself is bounded. */
const MAX_JSON_BYTES = 2 ** 20

/**
 * Brings a backup back into an empty database and folder of blobs. All of the database or nothing of it: it is filled,
 * compared with the manifest and audited in one transaction. Content is stored by its own hash, so what a failed restore
 * left of it is right and merely unused.
 */
export async function restoreBackup({ address, blobs }: RestoreDependencies, file: string): Promise<RestoreSummary> {
  const client = new Client({ ...connectionConfig(address), statement_timeout: 0 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await refuseUsed(client)
    await client.query('BEGIN')
    const summary = await fill(client, blobs, file)
    await client.query('COMMIT')
    // What the schema has learnt since the backup was made.
    await migrate(client)
    return summary
  } finally {
    // Ending the connection takes back what was not committed.
    client.end().catch(() => undefined)
  }
}

async function fill(client: Client, blobs: BlobStore, file: string): Promise<RestoreSummary> {
  const reading = new Reading(client, blobs)
  const archive = extract()
  const feeding = pipeline(createReadStream(file), createZstdDecompress(), archive)
  // Told by the loop below, which stops where the archive does.
  feeding.catch(() => undefined)
  try {
    for await (const entry of archive) await reading.take(entry as unknown as Entry)
    await feeding
  } catch (fault) {
    archive.destroy()
    if (fault instanceof BackupError) throw fault
    if (!reading.header) throw new BackupError({ code: 'backup.not_a_backup', file }, { cause: fault })
    const what = fault instanceof Error ? fault.message : String(fault)
    throw new BackupError({ code: 'backup.damaged', what }, { cause: fault })
  }
  return reading.finish(file)
}

/** One pass through an archive, entry by entry. */
class Reading {
  header: Header | undefined
  #manifest: Manifest | undefined
  readonly #client: Client
  readonly #blobs: BlobStore
  readonly #sums = new Map<string, TableSum>()
  #open: OpenTable | undefined
  #contents = { count: 0, bytes: 0 }

  constructor(client: Client, blobs: BlobStore) {
    this.#client = client
    this.#blobs = blobs
  }

  async take(entry: Entry): Promise<void> {
    const { name } = entry.header
    if (name === HEADER) return this.#begin(await readJson<Header>(entry))
    if (!this.header || this.#manifest) throw damaged(`${name} is out of place`)
    const named = parseEntryName(name)
    if (!named || 'blob' in named) await this.#endTable()
    if (name === MANIFEST) this.#manifest = await readJson<Manifest>(entry)
    else if (!named) throw damaged(`${name} does not belong in it`)
    else if ('blob' in named) await this.#takeContent(named.blob, entry)
    else await this.#takePart(named.table, entry)
  }

  async finish(file: string): Promise<RestoreSummary> {
    const { header } = this
    const manifest = this.#manifest
    if (!header) throw new BackupError({ code: 'backup.not_a_backup', file })
    if (!manifest) throw damaged('it ends before its end')
    for (const { name } of header.tables) this.#compare(name, manifest.tables[name])
    if (manifest.blobs.count !== this.#contents.count || manifest.blobs.bytes !== this.#contents.bytes) {
      throw damaged('not all content is in it')
    }
    await setCounters(this.#client, manifest.feedPlace)
    await audit(this.#client)
    const rows = [...this.#sums.values()].reduce((sum, table) => sum + table.rows, 0)
    return { madeAt: header.madeAt, rows, contents: this.#contents.count }
  }

  async #begin(header: Header): Promise<void> {
    if (header.format !== FORMAT || this.header) throw damaged('its form is not known')
    const known = MIGRATIONS.at(-1)!.number
    if (header.migration > known) {
      throw new BackupError({ code: 'backup.newer_than_code', found: header.migration, known })
    }
    await dropEmptySchema(this.#client)
    await prepareSchema(this.#client)
    for (const each of MIGRATIONS) if (each.number <= header.migration) await applyMigration(this.#client, each)
    this.header = header
    for (const { name } of header.tables) await this.#clear(safeName(name))
  }

  /** A migration may have put first rows in, which are in the backup as well. */
  async #clear(table: string): Promise<void> {
    const { rowCount } = await this.#client.query(`SELECT FROM ${table} LIMIT 1`)
    if (rowCount !== 0) await this.#client.query(`DELETE FROM ${table}`)
  }

  async #takePart(table: string, entry: Entry): Promise<void> {
    if (this.#open?.name !== table) await this.#endTable()
    this.#open ??= this.#startTable(table)
    await this.#open.write(entry)
  }

  #startTable(name: string): OpenTable {
    const table = this.header!.tables.find((each) => each.name === name)
    if (!table || this.#sums.has(name)) throw damaged(`table ${name} is out of place`)
    return new OpenTable(this.#client, table)
  }

  async #endTable(): Promise<void> {
    if (!this.#open) return
    this.#sums.set(this.#open.name, await this.#open.end())
    this.#open = undefined
  }

  async #takeContent(digest: string, entry: Entry): Promise<void> {
    const stored = await this.#blobs.put(entry, Number.MAX_SAFE_INTEGER)
    if (stored.digest !== digest) {
      await this.#blobs.delete(stored.digest)
      throw damaged(`content ${digest} is not what it was`)
    }
    this.#contents = { count: this.#contents.count + 1, bytes: this.#contents.bytes + stored.size }
  }

  #compare(name: string, wanted: TableSum | undefined): void {
    // A table without rows has no part.
    const found = this.#sums.get(name) ?? { rows: 0, bytes: 0, sha256: toHex(sha256Stream().digest()) }
    const same = wanted && found.rows === wanted.rows && found.sha256 === wanted.sha256
    if (!same) throw damaged(`table ${name} is not what it was`)
  }
}

/** A table that is being filled. */
class OpenTable {
  readonly name: string
  readonly #copy: ReturnType<typeof copyFrom>
  readonly #hash = sha256Stream()
  #failed: Error | undefined
  #bytes = 0

  constructor(client: Client, { name, columns }: TableHeader) {
    this.name = name
    const into = `${safeName(name)} (${columns.map(safeName).join(', ')})`
    this.#copy = client.query(copyFrom(`COPY ${into} FROM STDIN`))
    this.#copy.on('error', (fault) => (this.#failed = fault))
  }

  async write(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of chunks) {
      if (this.#failed) throw this.#failed
      this.#hash.update(chunk)
      this.#bytes += chunk.length
      await new Promise<void>((resolve, reject) => {
        this.#copy.write(chunk, (fault) => (fault ? reject(fault) : resolve()))
      })
    }
  }

  async end(): Promise<TableSum> {
    if (this.#failed) throw this.#failed
    this.#copy.end()
    await once(this.#copy, 'finish')
    return { rows: this.#copy.rowCount, bytes: this.#bytes, sha256: toHex(this.#hash.digest()) }
  }
}

/** A database in which a control plane has run is not empty: it has at least its own accounts and keys. */
async function refuseUsed(client: Client): Promise<void> {
  for (const table of await tablesThere(client)) {
    if (table === 'feed_origin') continue
    const { rowCount } = await client.query(`SELECT FROM ${table} LIMIT 1`)
    if (rowCount !== 0) throw new BackupError({ code: 'backup.target_not_empty', table })
  }
}

/** The schema of this version, made before and not used: the backup's own comes in its place. */
async function dropEmptySchema(client: Client): Promise<void> {
  const tables = await tablesThere(client)
  if (tables.length > 0) await client.query(`DROP TABLE ${tables.join(', ')} CASCADE`)
  await client.query(`DROP TABLE IF EXISTS schema_migrations;
    DROP FUNCTION IF EXISTS refuse_change, refuse_unbalanced`)
}

async function tablesThere(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()',
  )
  const there = new Set(rows.map((row) => row.name))
  return TABLES_IN_ORDER.filter((name) => there.has(name))
}

/** Numbers that count on: those of identity columns, and the feed's places, which must not be given out twice. */
async function setCounters(client: Client, feedPlace: number): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string }>(
    `SELECT table_name AS table, column_name AS column FROM information_schema.columns
     WHERE table_schema = current_schema() AND is_identity = 'YES'`,
  )
  for (const { table, column } of rows) {
    await client.query(
      `SELECT setval(pg_get_serial_sequence('${table}', '${column}'),
        (SELECT COALESCE(max(${column}), 0) + 1 FROM ${table}), false)`,
    )
  }
  await client.query('UPDATE feed_origin SET xid = $1', [feedPlace])
}

async function audit(client: Client): Promise<void> {
  const connect = async () => Object.assign(client, { release: () => undefined })
  const pool = { connect, end: async () => undefined, options: {} }
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  const [broken] = brokenRules(await new PgLedgerStore(db).sums())
  if (broken) throw new BackupError({ code: 'backup.books_wrong', says: broken.says })
}

async function readJson<T>(entry: Entry): Promise<T> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of entry) {
    bytes += chunk.length
    if (bytes > MAX_JSON_BYTES) throw damaged(`${entry.header.name} is too long`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as T
}

/** A name from the file, fit to stand in a statement. */
function safeName(name: string): string {
  if (!/^[a-z_]+$/.test(name)) throw damaged(`"${name}" is no name`)
  return name
}

function damaged(what: string): BackupError {
  return new BackupError({ code: 'backup.damaged', what })
}
