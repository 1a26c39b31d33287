import { chmod, chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { DatabaseServerError } from './errors.ts'
import type { FileOwner } from './launch.ts'

/** The port only names the socket's file: nothing listens on the network. */
export const SOCKET_PORT = 5432

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const SOCKET_PATH_BYTES = 103

export function socketFile(folder: string): string {
  return path.join(folder, `.s.PGSQL.${SOCKET_PORT}`)
}

/** In the data folder where the path is short enough, else a short one in the temporary folder, the same each time. */
export function socketFolderFor(dataDir: string): string {
  const own = path.join(dataDir, 'socket')
  if (Buffer.byteLength(socketFile(own)) <= SOCKET_PATH_BYTES) return own
  return path.join(tmpdir(), `fog-${toHex(sha256(utf8(dataDir))).slice(0, 20)}`)
}

/**
 * Makes the folder, open to its owner alone. Whoever can enter it is trusted by the server, and the temporary folder is
 * everybody's, so one that somebody else made first is refused.
 */
export async function makeSocketFolder(folder: string, owner: FileOwner): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'EEXIST') throw fault
  })
  const found = await lstat(folder)
  const ours = found.uid === process.getuid!() || found.uid === owner.uid
  if (!found.isDirectory() || !ours) {
    throw new DatabaseServerError({ code: 'database.folder_not_ours', folder, owner: found.uid })
  }
  if (found.uid !== owner.uid) await chown(folder, owner.uid, owner.gid)
  if ((found.mode & 0o777) !== 0o700) await chmod(folder, 0o700)
}
