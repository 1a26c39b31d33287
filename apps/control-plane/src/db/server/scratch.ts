import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { startPostgres } from './postgres-server.ts'
import type { PostgresConnection } from './postgres-server.ts'

/** A throw-away server for tests and benches, and quick private databases in it. */
export interface ScratchPostgres {
  readonly version: string
  /** Makes a template once, filled by `fill`, for `freshDatabase` to copy. */
  template(name: string, fill: (connection: PostgresConnection) => Promise<void>): Promise<void>
  /** A private database, empty or a copy of a template: about 20 ms. */
  freshDatabase(template?: string): Promise<FreshDatabase>
  stop(): Promise<void>
}

export interface FreshDatabase {
  readonly connection: PostgresConnection
  /** The same database, as one who may do everything. */
  readonly superuser: PostgresConnection
  /** Cuts what is still connected and drops the database. */
  drop(): Promise<void>
}

/** Nothing here outlives the test, so nothing waits for the disk. */
const CARELESS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_wal_size: '2GB',
  checkpoint_timeout: '1h',
  autovacuum_naptime: '1min',
}

export async function scratchPostgres(options: { binariesDir?: string } = {}): Promise<ScratchPostgres> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'fog-scratch-'))
  const server = await startPostgres({ ...options, dataDir, settings: CARELESS })
  const admin = new Client(server.superuser)
  await admin.connect()
  let made = 0

  const create = async (name: string, template = 'template0') => {
    await admin.query(`CREATE DATABASE ${name} OWNER fog TEMPLATE ${template} STRATEGY file_copy`)
    return { ...server.connection, database: name }
  }
  return {
    version: server.version,
    async template(name, fill) {
      await fill(await create(templateName(name)))
    },
    async freshDatabase(template) {
      const name = `fresh_${(made += 1)}`
      const connection = await create(name, template && templateName(template))
      const superuser = { ...server.superuser, database: name }
      return { connection, superuser, drop: async () => void (await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)) }
    },
    async stop() {
      await admin.end()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function templateName(name: string): string {
  return `template_${name.replaceAll(/\W/g, '_').toLowerCase()}`
}
