import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isFogError } from '@fog/kernel'
import { systemClock } from '@fog/kernel/node'
import { FolderBlobStore } from './blobs/index.ts'
import type { Config } from './config.ts'
import { makeBackup, restoreBackup } from './db/backup/index.ts'
import type { DatabaseAddress } from './db/pg-pool.ts'
import { connectionTo, startPostgres } from './db/server/index.ts'

/** `fog-control-plane backup FILE`: works while a control plane runs on the same data, and without one. */
export async function backUp(config: Config, file: string, say: (text: string) => void): Promise<void> {
  await withDatabase(config, 'shared', async (address) => {
    const blobs = await FolderBlobStore.open(join(config.dataDir, 'blobs'))
    const backup = { address, blobs, clock: systemClock }
    const { bytes, rows, contents } = await makeBackup(backup, { file: resolve(file) })
    say(
      `Wrote ${file}: ${rows} rows and ${contents} files of content in ${bytes} bytes. It holds secrets; keep it safe.`,
    )
  })
}

/** `fog-control-plane restore FILE`: into a data folder, or database, that holds nothing yet. */
export async function restore(config: Config, file: string, say: (text: string) => void): Promise<void> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  await withDatabase(config, 'alone', async (address) => {
    const blobs = await FolderBlobStore.open(join(config.dataDir, 'blobs'))
    const { madeAt, rows, contents } = await restoreBackup({ address, blobs }, resolve(file))
    say(
      `Restored what was backed up at ${madeAt}: ${rows} rows and ${contents} files of content. The books were audited.`,
    )
  })
}

async function withDatabase(
  { dataDir, databaseUrl }: Config,
  use: 'shared' | 'alone',
  work: (address: DatabaseAddress) => Promise<void>,
): Promise<void> {
  if (databaseUrl !== undefined) return work(databaseUrl)
  const folder = join(dataDir, 'postgres')
  try {
    const server = await startPostgres({ dataDir: folder })
    try {
      await work(server.connection)
    } finally {
      await server.stop()
    }
  } catch (fault) {
    if (use === 'alone' || !isFogError(fault) || fault.code !== 'database.folder_in_use') throw fault
    await work(await connectionTo(folder))
  }
}
