import { rm } from 'node:fs/promises'
import { availableParallelism, hostname, totalmem } from 'node:os'
import { join } from 'node:path'
import { ApiError, type NodeView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { CliError } from '../cli-error.ts'
import { objectIn, readIfThere, writePrivately } from '../files.ts'
import type { Invocation } from '../invocation.ts'
import { PROGRAMS } from './child.ts'
import { KeptAlive, type LifeChange } from './kept-alive.ts'

const MIB = 1_048_576
/** Of memory, what is left to the machine when several workers share it. */
const SHARED_MEMORY = 0.7
/** A worker's own grace, and its last answers. */
const STOP_GRACE_MS = 20_000
const ONLINE_WITHIN_MS = 60_000

export interface WorkerSeat {
  readonly folder: string
  readonly name: string
  /** One of so many on this machine. */
  readonly of: number
}

/** The workers of this machine: the first in the folder a worker has by itself, the others beside it. */
export function workerSeats(
  { dataDir, workerDir }: { dataDir: string; workerDir: string | undefined },
  count: number,
): WorkerSeat[] {
  const first = workerDir ?? join(dataDir, 'worker')
  return Array.from({ length: count }, (_, i) => ({
    folder: i === 0 ? first : `${first}-${i + 1}`,
    name: i === 0 ? hostname() : `${hostname()}-${i + 1}`,
    of: count,
  }))
}

export interface WorkerStart {
  readonly fog: Fog
  readonly url: string
  readonly dataDir: string
  readonly onChange: (change: LifeChange) => void
}

/** Starts a worker and waits until the fog sees its node. The device enrols only when it has not before. */
export async function startWorker(
  it: Invocation,
  { folder, name, of }: WorkerSeat,
  { fog, url, dataDir, onChange }: WorkerStart,
  kept: (worker: KeptAlive) => void,
): Promise<NodeView> {
  const logFile = join(dataDir, 'logs', of === 1 ? 'worker.log' : `worker-${name}.log`)
  const joinTokenFile = (await isKnown(fog, folder)) ? undefined : await makeJoinToken(fog, folder, name)
  const { environment, workerName } = it.config
  const worker = new KeptAlive(it, {
    what: of === 1 ? 'worker' : `worker ${name}`,
    readyType: 'connected',
    stopGraceMs: STOP_GRACE_MS,
    onChange,
    spec: () => ({
      program: PROGRAMS.worker,
      logFile,
      environment: {
        ...environment,
        ...shareOf(of),
        FOG_TOKEN: undefined,
        FOG_URL: url,
        FOG_DATA_DIR: dataDir,
        FOG_WORKER_DIR: folder,
        FOG_WORKER_NAME: (of === 1 ? workerName : undefined) ?? name,
        // Undefined leaves it out: a token of another fog is of no use here.
        FOG_JOIN_TOKEN: undefined,
        FOG_JOIN_TOKEN_FILE: joinTokenFile,
      },
    }),
  })
  kept(worker)
  try {
    const { nodeId } = await worker.start()
    return await seen(it, fog, String(nodeId), logFile)
  } finally {
    if (joinTokenFile !== undefined) await rm(joinTokenFile, { force: true })
  }
}

/** Whether this fog knows the device whose identity lies in the folder. */
async function isKnown(fog: Fog, folder: string): Promise<boolean> {
  const { nodeId } = objectIn((await readIfThere(join(folder, 'identity.json'))) ?? '')
  if (typeof nodeId !== 'string') return false
  try {
    await fog.client.call('getNode', { params: { nodeId } })
    return true
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 404) return false
    throw fault
  }
}

/** In a file, because what stands on a command line or in an environment is seen by others. */
async function makeJoinToken({ client }: Fog, folder: string, name: string): Promise<string> {
  const { secret } = await client.call('addJoinToken', {
    body: { name: `fog up on ${name}`.slice(0, 100), uses: 1, hours: 1 },
  })
  const file = join(folder, 'join-token')
  await writePrivately(file, `${secret}\n`)
  return file
}

/** Several workers on one machine must not each offer all of it. */
function shareOf(count: number): Record<string, string> {
  if (count === 1) return {}
  const memoryMiB = Math.max(64, Math.floor((totalmem() * SHARED_MEMORY) / count / MIB))
  return {
    FOG_WORKER_CORES: String(Math.max(1, Math.floor(availableParallelism() / count))),
    FOG_WORKER_MEMORY_MIB: String(memoryMiB),
  }
}

const AWAY = new Set(['unreachable', 'lost', 'suspect'])

async function seen(it: Invocation, fog: Fog, nodeId: string, log: string): Promise<NodeView> {
  const late = new AbortController()
  const given = new AbortController()
  const timing = it.clock.sleep(ONLINE_WITHIN_MS, given.signal).then(
    () => late.abort(new CliError({ code: 'up.worker_offline', seconds: ONLINE_WITHIN_MS / 1000, log })),
    () => undefined,
  )
  try {
    const look = () => fog.client.call('getNode', { params: { nodeId } })
    for await (const node of fog.watch({ signal: late.signal }, look)) if (!AWAY.has(node.state)) return node
  } finally {
    given.abort()
    await timing
  }
  throw new CliError({ code: 'up.worker_offline', seconds: ONLINE_WITHIN_MS / 1000, log })
}
