import { createWriteStream, existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { toHex, toRfc3339 } from '@fog/kernel'
import type { Clock } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'
import { Client } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { pack } from 'tar-stream'
import type { Pack } from 'tar-stream'
import type { BlobStore } from '../../ports.ts'
import { DatabaseError } from '../database-error.ts'
import { MIGRATIONS } from '../migrations/index.ts'
import { connectionConfig } from '../pg-pool.ts'
import type { DatabaseAddress } from '../pg-pool.ts'
import { FORMAT, HEADER, MANIFEST, PART_BYTES, partName, TABLES_IN_ORDER } from './archive.ts'
import type { Header, Manifest, TableHeader, TableSum } from './archive.ts'
import { BackupError } from './backup-error.ts'

export interface BackupDependencies {
  readonly address: DatabaseAddress
  readonly blobs: BlobStore
  readonly clock: Clock
}

export interface BackupOptions {
  /** Where the archive goes; it must not exist. */
  readonly file: string
  /** Content too large for the database is copied too, unless it stays where it is and only the database moves. */
  readonly content?: 'included' | 'left_in_place'
  readonly onProgress?: (progress: BackupProgress) => void
}

/** What was just written: a table or a piece of content, and how many of each kind there are. */
export interface BackupProgress {
  readonly kind: 'table' | 'content'
  readonly name: string
  readonly done: number
  readonly of: number
}

export interface BackupSummary {
  readonly file: string
  readonly bytes: number
  readonly rows: number
  readonly contents: number
}

/**
 * Writes the whole of the platform's state into one file: the database as of one moment, while it goes on working, and the
 * content it knows. The file appears under its name only when it is whole and on the disk, and is its owner's alone: it
 * holds what people keep secret.
 */
export async function makeBackup(
  { address, blobs, clock }: BackupDependencies,
  { file, content = 'included', onProgress = () => undefined }: BackupOptions,
): Promise<BackupSummary> {
  if (existsSync(file)) throw new BackupError({ code: 'backup.file_exists', file })
  const unfinished = `${file}.unfinished`
  const client = new Client({ ...connectionConfig(address), statement_timeout: 0 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const archive = pack()
    const output = createWriteStream(unfinished, { mode: 0o600, flush: true })
    const writing = pipeline(archive, createZstdCompress(), output)
    const filling = fill(archive, client, content === 'included' ? blobs : undefined, clock, onProgress)
    const [manifest] = await Promise.all([filling, writing])
    await finish(unfinished, file)
    return summaryOf(file, output.bytesWritten, manifest)
  } catch (fault) {
    await rm(unfinished, { force: true })
    throw fault
  } finally {
    client.end().catch(() => undefined)
  }
}

async function fill(
  archive: Pack,
  client: Client,
  blobs: BlobStore | undefined,
  clock: Clock,
  onProgress: (progress: BackupProgress) => void,
): Promise<Manifest> {
  try {
    const header = await headerOf(client, clock)
    await writeEntry(archive, HEADER, asJson(header))
    const tables: Record<string, TableSum> = {}
    for (const [i, table] of header.tables.entries()) {
      tables[table.name] = await writeTable(archive, client, table)
      onProgress({ kind: 'table', name: table.name, done: i + 1, of: header.tables.length })
    }
    const contents = blobs ? await writeContents(archive, client, blobs, onProgress) : { count: 0, bytes: 0 }
    const manifest = { tables, blobs: contents, feedPlace: await feedPlace(client) }
    await writeEntry(archive, MANIFEST, asJson(manifest))
    archive.finalize()
    return manifest
  } catch (fault) {
    // The pipeline behind would wait for more for ever.
    archive.destroy(fault as Error)
    throw fault
  }
}

async function headerOf(client: Client, clock: Clock): Promise<Header> {
  const version = await client.query<{ server_version: string }>('SHOW server_version')
  const migration = await schemaOf(client)
  const columns = await client.query<{ table: string; name: string }>(
    `SELECT table_name AS table, column_name AS name FROM information_schema.columns
     WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`,
  )
  const byTable = Map.groupBy(columns.rows, (row) => row.table)
  return {
    format: FORMAT,
    madeAt: toRfc3339(clock.now()),
    serverVersion: version.rows[0]!.server_version,
    migration,
    // A schema that this version has not brought up to date yet may lack the newest ones.
    tables: TABLES_IN_ORDER.filter((name) => byTable.has(name)).map((name) => ({
      name,
      columns: byTable.get(name)!.map((column) => column.name),
    })),
  }
}

async function schemaOf(client: Client): Promise<number> {
  const there = await client.query<{ there: boolean }>(`SELECT to_regclass('schema_migrations') IS NOT NULL AS there`)
  if (!there.rows[0]!.there) throw new BackupError({ code: 'backup.nothing_there' })
  const { rows } = await client.query<{ number: number }>('SELECT max(number) AS number FROM schema_migrations')
  const [found, known] = [rows[0]!.number, MIGRATIONS.at(-1)!.number]
  if (found > known) throw new DatabaseError({ code: 'database.newer_than_code', found, known })
  return found
}

/** In parts, because an entry's size is written before it and nobody knows a table's. */
async function writeTable(archive: Pack, client: Client, { name, columns }: TableHeader): Promise<TableSum> {
  const copy = client.query(copyTo(`COPY ${name} (${columns.join(', ')}) TO STDOUT`))
  const hash = sha256Stream()
  let [bytes, part, gathered]: [number, number, Buffer[]] = [0, 0, []]
  let gatheredBytes = 0
  const writePart = async () => {
    await writeEntry(archive, partName(name, part), Buffer.concat(gathered))
    ;[part, gathered, gatheredBytes] = [part + 1, [], 0]
  }
  for await (const chunk of copy as AsyncIterable<Buffer>) {
    hash.update(chunk)
    gathered.push(chunk)
    bytes += chunk.length
    gatheredBytes += chunk.length
    if (gatheredBytes >= PART_BYTES) await writePart()
  }
  if (gatheredBytes > 0) await writePart()
  return { rows: copy.rowCount, bytes, sha256: toHex(hash.digest()) }
}

/** Content that is not kept in the database itself. */
async function writeContents(
  archive: Pack,
  client: Client,
  blobs: BlobStore,
  onProgress: (progress: BackupProgress) => void,
): Promise<Manifest['blobs']> {
  const { rows } = await client.query<{ digest: string; isState: boolean }>(
    `SELECT digest, false AS "isState" FROM blobs WHERE content IS NULL
     UNION SELECT kept_as, true FROM state_files WHERE kept_as IS NOT NULL ORDER BY digest`,
  )
  const written = { count: 0, bytes: 0 }
  for (const [i, { digest, isState }] of rows.entries()) {
    const found = await blobs.open(digest)
    // The fog goes on meanwhile, and a task whose checkpoint is superseded lets go of what it had.
    if (!found && isState) continue
    if (!found) throw new BackupError({ code: 'backup.content_missing', digest })
    const entry = archive.entry({ name: `blobs/${digest}`, size: found.size })
    await pipeline(found.stream, entry)
    written.count += 1
    written.bytes += found.size
    onProgress({ kind: 'content', name: digest, done: i + 1, of: rows.length })
  }
  return written
}

async function feedPlace(client: Client): Promise<number> {
  const { rows } = await client.query<{ place: number }>(
    'SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint + xid AS place FROM feed_origin',
  )
  return rows[0]!.place
}

async function writeEntry(archive: Pack, name: string, content: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    archive.entry({ name }, content, (fault) => (fault ? reject(fault) : resolve()))
  })
}

/** The name itself must survive a power cut too. */
async function finish(unfinished: string, file: string): Promise<void> {
  await rename(unfinished, file)
  const folder = await open(path.dirname(path.resolve(file)))
  await folder.sync()
  await folder.close()
}

function summaryOf(file: string, bytes: number, manifest: Manifest): BackupSummary {
  const rows = Object.values(manifest.tables).reduce((sum, table) => sum + table.rows, 0)
  return { file, bytes, rows, contents: manifest.blobs.count }
}

function asJson(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)
}
