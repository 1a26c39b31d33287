import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPgDatabase } from '../../apps/control-plane/src/db/pg-database.ts'
import { startPostgres } from '../../apps/control-plane/src/db/server/index.ts'
import type { Database } from '../../apps/control-plane/src/ports.ts'

/** An empty database of the embedded server, as durable as in use, for as long as `measure` takes. */
export async function withDatabase<T>(measure: (database: Database) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fog-bench-'))
  const server = await startPostgres({ dataDir })
  const database = await openPgDatabase({ address: server.connection, alone: true })
  try {
    return await measure(database)
  } finally {
    await database.close()
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
