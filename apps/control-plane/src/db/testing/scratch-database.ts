import { existsSync } from 'node:fs'
import { Client } from 'pg'
import { TABLES_IN_ORDER } from '../backup/archive.ts'
import { migrate } from '../migrate.ts'
import { PgDatabase } from '../pg-database.ts'
import type { PgDatabaseOptions } from '../pg-database.ts'
import { scratchPostgres } from '../server/scratch.ts'
import type { PostgresConnection } from '../server/postgres-server.ts'

/** A throw-away server whose databases have our schema. */
export interface ScratchDatabases {
  readonly version: string
  /** A private, empty database, connected. Closing it drops it. */
  open(options?: Omit<PgDatabaseOptions, 'address'>): Promise<ScratchDatabase>
  stop(): Promise<void>
}

export interface ScratchDatabase {
  readonly database: PgDatabase
  readonly connection: PostgresConnection
  /** Takes every row out, which is much quicker than another database. */
  readonly wipe: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Servers to test against: the one that comes with npm, and Debian's PostgreSQL 15 where it is installed. */
export const SERVERS: readonly { readonly name: string; readonly binariesDir?: string; readonly present: boolean }[] = [
  { name: 'the embedded PostgreSQL', present: true },
  {
    name: "Debian's PostgreSQL 15",
    binariesDir: '/usr/lib/postgresql/15/bin',
    present: existsSync('/usr/lib/postgresql/15/bin/postgres'),
  },
]

/** Rows that are written once can be taken out only where triggers do not run, as on a replica. */
const WIPE = `SET session_replication_role = replica; ${TABLES_IN_ORDER.filter((name) => name !== 'feed_origin')
  .map((name) => `DELETE FROM ${name}`)
  .join('; ')}`

export async function scratchDatabases(binariesDir?: string): Promise<ScratchDatabases> {
  const server = await scratchPostgres(binariesDir ? { binariesDir } : {})
  await server.template('fog', async (connection) => {
    const client = new Client(connection)
    await client.connect()
    await migrate(client)
    await client.end()
  })
  return {
    version: server.version,
    async open(options = {}) {
      const fresh = await server.freshDatabase('fog')
      const database = await PgDatabase.connect({ ...options, address: fresh.connection })
      const sweeper = new Client(fresh.superuser)
      await sweeper.connect()
      const wipe = async () => void (await sweeper.query(WIPE))
      const close = async () => {
        await database.close()
        await sweeper.end()
        await fresh.drop()
      }
      return { database, connection: fresh.connection, wipe, close }
    },
    stop: () => server.stop(),
  }
}
