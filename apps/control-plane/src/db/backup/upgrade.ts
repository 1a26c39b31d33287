import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '@fog/kernel'
import type { BlobStore } from '../../ports.ts'
import { successorName, swapIn } from '../server/cluster.ts'
import { startPostgres } from '../server/index.ts'
import { OwnerLock } from '../server/owner-lock.ts'
import { makeBackup } from './backup.ts'
import { restoreBackup } from './restore.ts'

export interface UpgradeOptions {
  /** The server's folder, with data that an older major version wrote. No control plane may run on it. */
  readonly dataDir: string
  /** The programs of that older version, such as `/usr/lib/postgresql/15/bin`. */
  readonly oldBinariesDir: string
  /** The programs to go on with, when not those that came with npm. */
  readonly binariesDir?: string
}

/**
 * Brings the embedded database to this version's PostgreSQL when the programs of the old one are at hand: out of the old
 * server as a backup, into a new one, audited, and only then put in the old one's place. Content stays where it is.
 * Answers where the old data is kept.
 */
export async function upgradeCluster(
  { blobs, clock }: { readonly blobs: BlobStore; readonly clock: Clock },
  { dataDir, oldBinariesDir, binariesDir }: UpgradeOptions,
): Promise<string> {
  const file = path.join(dataDir, 'upgrade.tar.zst')
  const workshop = path.join(dataDir, 'upgrade')
  const cluster = path.join(dataDir, 'cluster')
  for (const leftover of [file, workshop, successorName(cluster)]) await rm(leftover, { recursive: true, force: true })
  try {
    const old = await startPostgres({ dataDir, binariesDir: oldBinariesDir })
    try {
      await makeBackup({ address: old.connection, blobs, clock }, { file, content: 'left_in_place' })
    } finally {
      await old.stop()
    }
    const successor = await startPostgres({ dataDir: workshop, ...(binariesDir && { binariesDir }) })
    try {
      await restoreBackup({ address: successor.connection, blobs }, file)
    } finally {
      await successor.stop()
    }
    const lock = OwnerLock.take(dataDir)
    try {
      await rename(path.join(workshop, 'cluster'), successorName(cluster))
      return await swapIn(cluster)
    } finally {
      lock.release()
    }
  } finally {
    for (const leftover of [file, workshop]) await rm(leftover, { recursive: true, force: true })
  }
}
