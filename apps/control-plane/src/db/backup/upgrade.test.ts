import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ManualClock } from '@fog/kernel'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBlobStore } from '../../blobs/index.ts'
import { openPgDatabase } from '../pg-database.ts'
import { startPostgres } from '../server/index.ts'
import { MadeUp } from '../testing/made-up.ts'
import { upgradeCluster } from './index.ts'

const OLD = '/usr/lib/postgresql/15/bin'
const dependencies = { blobs: new MemoryBlobStore(), clock: new ManualClock() }
let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'fog-upgrade-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

/** What is in the database that `startPostgres` finds there. */
async function usersOf(binariesDir?: string): Promise<{ users: number; version: string }> {
  const server = await startPostgres({ dataDir, ...(binariesDir && { binariesDir }) })
  const database = await openPgDatabase({ address: server.connection })
  const users = await database.read.access.countUsers()
  await database.close()
  await server.stop()
  return { users, version: server.version }
}

test.runIf(existsSync(OLD))(
  'data of PostgreSQL 15 goes on in this version (needs the package postgresql-15)',
  async () => {
    const old = await startPostgres({ dataDir, binariesDir: OLD })
    const database = await openPgDatabase({ address: old.connection })
    await database.transact((tx) => tx.access.addUser(new MadeUp().user()))
    await database.close()
    await old.stop()
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({ code: 'database.other_major' })

    const retired = await upgradeCluster(dependencies, { dataDir, oldBinariesDir: OLD })
    expect(await usersOf()).toMatchObject({ users: 1, version: expect.stringMatching(/^18\./) })
    expect(await readdir(dataDir)).toContain(path.basename(retired))
    expect(await readdir(dataDir)).not.toContain('upgrade')

    // Cut off between the two renames: the next start must not begin with nothing.
    await rename(path.join(dataDir, 'cluster'), path.join(dataDir, 'cluster.successor'))
    expect(await usersOf()).toMatchObject({ users: 1 })
  },
  60_000,
)
