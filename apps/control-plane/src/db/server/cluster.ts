import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseServerError } from './errors.ts'
import { run } from './launch.ts'
import type { Binaries } from './binaries.ts'
import type { FileOwner, Launcher } from './launch.ts'

/** The oldest server the platform's SQL is written for. */
export const OLDEST_MAJOR = 15

/** May do everything, and is used only to set up and look after the server; the platform's own role is `fog`. */
export const SUPERUSER = 'postgres'

export interface ServerVersion {
  /** `18.4` */
  readonly text: string
  readonly major: number
}

/** Asks the program itself, which also shows that it runs here. */
export async function versionOf(launcher: Launcher, { postgres }: Binaries): Promise<ServerVersion> {
  const { ok, output } = await run(launcher, [postgres, '--version'])
  const version = ok ? parseVersion(output) : undefined
  if (!version) throw new DatabaseServerError({ code: 'database.binaries_do_not_run', program: postgres, output })
  if (version.major < OLDEST_MAJOR) {
    throw new DatabaseServerError({ code: 'database.server_too_old', have: version.text, need: OLDEST_MAJOR })
  }
  return version
}

/** Reads `postgres (PostgreSQL) 18.4` and `15.18 (Debian 15.18-0+deb12u1)` alike. */
export function parseVersion(text: string): ServerVersion | undefined {
  const match = /(?:^|\s)(\d+)(?:\.\d+|beta\d+|rc\d+|devel)/.exec(text)
  return match ? { text: match[0].trim(), major: Number(match[1]) } : undefined
}

/** Who owns the data, or undefined when there is none yet. */
export async function clusterOwner(cluster: string): Promise<FileOwner | undefined> {
  return stat(cluster).catch(() => undefined)
}

/**
 * Makes the cluster if there is none, and refuses one that this server cannot read.
 *
 * It is made in a sibling folder and moved into place when whole, so a machine that stops half-way leaves nothing that looks
 * like data. Returns whether it was made now.
 */
export async function ensureCluster(
  cluster: string,
  binaries: Binaries,
  launcher: Launcher,
  version: ServerVersion,
): Promise<boolean> {
  await removeUnfinished(cluster)
  await finishSwap(cluster)
  const found = await majorIn(cluster)
  if (found === undefined) {
    await initialise(cluster, binaries, launcher)
    return true
  }
  if (found !== String(version.major)) {
    throw new DatabaseServerError({ code: 'database.other_major', folder: cluster, found, have: version.text })
  }
  return false
}

/** `18`, or undefined when there is no cluster. An empty folder, such as a mounted volume, counts as none. */
export async function majorIn(cluster: string): Promise<string | undefined> {
  const entries = await readdir(cluster).catch(() => [])
  if (entries.length === 0) return undefined
  const version = await readFile(path.join(cluster, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (!version) throw new DatabaseServerError({ code: 'database.folder_not_a_cluster', folder: cluster })
  return version.trim()
}

async function initialise(cluster: string, { initdb }: Binaries, launcher: Launcher): Promise<void> {
  const unfinished = `${cluster}${UNFINISHED}`
  const options = [
    `--username=${SUPERUSER}`,
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--auth-local=trust',
    '--auth-host=reject',
    '--no-instructions',
  ]
  const { ok, output } = await run(launcher, [initdb, '-D', unfinished, ...options])
  if (!ok) throw new DatabaseServerError({ code: 'database.initdb_failed', folder: cluster, output })
  await rename(unfinished, cluster)
  await syncFolder(path.dirname(cluster))
}

const UNFINISHED = '.unfinished'

async function removeUnfinished(cluster: string): Promise<void> {
  await rm(`${cluster}${UNFINISHED}`, { recursive: true, force: true })
}

/** What a cluster is called while its successor waits to take its place, and afterwards. */
export function retiredName(cluster: string, major: string): string {
  return `${cluster}.retired-${major}`
}

/** Where a successor waits. */
export function successorName(cluster: string): string {
  return `${cluster}.successor`
}

/**
 * Puts the successor, which holds the same data in another version's form, in the cluster's place. The old one is kept under
 * its retired name. A process that dies between the two steps leaves no cluster, and the next start takes the second.
 */
export async function swapIn(cluster: string): Promise<string> {
  const retired = retiredName(cluster, (await majorIn(cluster)) ?? 'unknown')
  await rename(cluster, retired)
  await syncFolder(path.dirname(cluster))
  await finishSwap(cluster)
  return retired
}

async function finishSwap(cluster: string): Promise<void> {
  if ((await majorIn(cluster)) !== undefined) return
  const siblings = await readdir(path.dirname(cluster))
  const retired = siblings.some((name) => name.startsWith(retiredName(path.basename(cluster), '')))
  const successor = successorName(cluster)
  if (!retired || (await majorIn(successor)) === undefined) return
  await rename(successor, cluster)
  await syncFolder(path.dirname(cluster))
}

/** The new name itself must survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync()
  await handle.close()
}

/** Makes the data folder, closed to others. */
export async function makeDataFolder(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
}
