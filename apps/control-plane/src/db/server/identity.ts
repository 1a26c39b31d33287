import { lchown, lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseServerError } from './errors.ts'
import { run } from './launch.ts'
import type { FileOwner, Launcher } from './launch.ts'

/** PostgreSQL refuses to run as root. As root we start it in a user namespace, or as an ordinary user. */
export type RootMode = 'namespace' | 'other_user'

/** `nobody`, everywhere. */
const NOBODY: FileOwner = { uid: 65_534, gid: 65_534 }

/** Inside the namespace the server is user 1000; outside, its files stay root's. */
const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--']

/** Linux sends the server SIGINT, its fast shutdown, when our process dies in any way. */
const DIES_WITH_US = ['setpriv', '--pdeathsig', 'INT', '--']

/**
 * How to start the server here. `clusterOwner` is the owner of data that is already there: as root, the server then runs as
 * that user, so that a folder can go back and forth between root and its owner.
 */
export async function chooseLauncher(
  folder: string,
  clusterOwner: FileOwner | undefined,
  rootMode?: RootMode,
): Promise<Launcher> {
  const self = { uid: process.getuid!(), gid: process.getgid!() }
  if (self.uid !== 0) {
    if (clusterOwner && clusterOwner.uid !== self.uid) {
      throw new DatabaseServerError({ code: 'database.folder_not_ours', folder, owner: clusterOwner.uid })
    }
    return dyingWithUs({ prefix: [], owner: self })
  }
  if (clusterOwner && clusterOwner.uid !== 0) return runningAs(clusterOwner)
  const namespace = { prefix: NAMESPACE, owner: self }
  const mayUseNamespace = rootMode !== 'other_user' && (await run(namespace, ['true'])).ok
  return mayUseNamespace ? dyingWithUs(namespace) : runningAs(NOBODY)
}

/**
 * As an ordinary user that may enter every folder as root may: the clone or the data often lie below one that is open to root
 * alone, /root above all. Containers that forbid namespaces leave root this right; where they do not, the plain user it is.
 */
async function runningAs(owner: FileOwner): Promise<Launcher> {
  const user = ['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups']
  const right = ['--inh-caps', '+dac_override', '--ambient-caps', '+dac_override']
  // Without it access(2), by which PostgreSQL finds its own programs, does not count the right.
  const counted = ['--securebits', '+no_setuid_fixup']
  const prefix = ['setpriv', ...user, ...right, ...counted, ...DIES_WITH_US.slice(1)]
  const entering: Launcher = { prefix, owner, runAs: owner, changesUser: true }
  return (await run(entering, ['true'])).ok ? entering : dyingWithUs({ prefix: [], owner, runAs: owner })
}

/** setpriv comes last: entering a namespace or changing user would clear the signal again. */
async function dyingWithUs(launcher: Launcher): Promise<Launcher> {
  const bound = { ...launcher, prefix: [...launcher.prefix, ...DIES_WITH_US] }
  return process.platform === 'linux' && (await run(bound, ['true'])).ok ? bound : launcher
}

/**
 * Gives the data folder to the user the server runs as: the folder and what lies in it, and the cluster's files too when they
 * belong to somebody else. Only root needs it and only root can.
 */
export async function giveTo(owner: FileOwner, dataDir: string, cluster: string): Promise<void> {
  const own = (file: string) => lchown(file, owner.uid, owner.gid)
  await own(dataDir)
  for (const entry of await readdir(dataDir)) await own(path.join(dataDir, entry))
  const sample = await lstat(path.join(cluster, 'PG_VERSION')).catch(() => undefined)
  if (!sample || sample.uid === owner.uid) return
  for (const entry of await readdir(cluster, { recursive: true })) await own(path.join(cluster, entry))
}
