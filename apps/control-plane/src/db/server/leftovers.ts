import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './launch.ts'
import { socketFile } from './socket-folder.ts'

/** What an earlier server left in the cluster's folder. */
export interface PostmasterFile {
  readonly pid: number
  readonly socketFolder: string
  readonly status: string
}

export interface Leftovers {
  readonly cluster: string
  readonly socketFolder: string
  /** Whether the server that is there answers, and is one we would have started. */
  readonly isOurs: () => Promise<boolean>
  /** How long a server that starts up or shuts down may take before it is told to stop. */
  readonly patienceMs: number
}

const POLL_MS = 25
const STOP_STEPS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGKILL']

/**
 * Clears the way for a new server on the cluster, or returns the pid of a healthy one to adopt.
 *
 * Only called by the holder of the folder's lock, so whatever runs on the cluster is an orphan. One that shuts down is waited
 * for; one that is no use is stopped, more firmly each time the patience runs out.
 */
export async function settleLeftovers(leftovers: Leftovers): Promise<number | undefined> {
  const { cluster, patienceMs } = leftovers
  for (const step of [undefined, ...STOP_STEPS]) {
    const pids = await serverProcesses(cluster)
    if (step) signalServer(pids, await readPostmasterFile(cluster), step)
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      const alive = await serverProcesses(cluster)
      if (alive.length === 0) break
      const file = await readPostmasterFile(cluster)
      if (!step && file && alive.includes(file.pid) && file.status === 'ready') {
        if (await leftovers.isOurs()) return file.pid
        break
      }
      await sleep(POLL_MS)
    }
    if ((await serverProcesses(cluster)).length === 0) break
  }
  await removeStaleLocks(leftovers)
  return undefined
}

/**
 * The pids of a PostgreSQL server working in the cluster's folder, its helpers included. On Linux by their working folder:
 * unlike the pid in `postmaster.pid`, that cannot be somebody else's process, nor a dead one that nobody has reaped.
 */
export async function serverProcesses(cluster: string): Promise<number[]> {
  const folder = await realpath(cluster).catch(() => cluster)
  if (process.platform !== 'linux') return processesNaming(folder)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const ours = await Promise.all(pids.map((pid) => worksIn(pid, folder)))
  return pids.filter((_, i) => ours[i]).map(Number)
}

async function worksIn(pid: string, folder: string): Promise<boolean> {
  try {
    if ((await readlink(`/proc/${pid}/cwd`)) !== folder) return false
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).startsWith('postgres')
  } catch {
    return false
  }
}

async function processesNaming(folder: string): Promise<number[]> {
  const owner = { uid: process.getuid!(), gid: process.getgid!() }
  const { output } = await run({ prefix: [], owner }, ['ps', '-axo', 'pid=,command='])
  const lines = output.split('\n').filter((line) => line.includes('postgres') && line.includes(`-D ${folder} `))
  return lines.map((line) => Number.parseInt(line, 10))
}

/** `postmaster.pid`, if it is there and whole. Lines: pid, folder, start time, port, socket folder, address, shm, status. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return { pid, socketFolder: lines[4] ?? '', status: (lines[7] ?? '').trim() }
}

/** To the postmaster if it lives, which tells its helpers; else to the helpers it left behind. */
function signalServer(pids: readonly number[], file: PostmasterFile | undefined, signal: NodeJS.Signals): void {
  const postmaster = file && pids.includes(file.pid) && signal !== 'SIGKILL'
  for (const pid of postmaster ? [file.pid] : pids) trySignal(pid, signal)
}

export function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault
  }
}

/**
 * PostgreSQL takes a lock file for alive when any process has its pid, be it another program's or a dead one not yet reaped.
 * Here it is certain that no server is left, so both lock files may go.
 */
async function removeStaleLocks({ cluster, socketFolder }: Leftovers): Promise<void> {
  const socket = socketFile(socketFolder)
  for (const file of [path.join(cluster, 'postmaster.pid'), socket, `${socket}.lock`]) await rm(file, { force: true })
}
