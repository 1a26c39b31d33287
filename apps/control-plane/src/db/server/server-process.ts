import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { launch } from './launch.ts'
import { serverProcesses, trySignal } from './leftovers.ts'
import type { Launcher } from './launch.ts'

/** One run of the server, ours by birth or by adoption. */
export interface ServerProcess {
  readonly pid: number
  readonly adopted: boolean
  /** Settles, never rejects, when the server is gone, with how it went. */
  readonly ended: Promise<string>
  signal(signal: NodeJS.Signals): void
}

/** Starts the server; its output goes to `logDescriptor`. It is not up yet when this returns. */
export function spawnServer(launcher: Launcher, command: readonly string[], logDescriptor: number): ServerProcess {
  const child = launch(launcher, command, ['ignore', logDescriptor, logDescriptor])
  const ended = new Promise<string>((resolve) => {
    child.once('error', (fault) => resolve(fault.message))
    child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`))
  })
  // Where the system does not tell the server of our death, an orderly exit still does.
  const stopWithUs = () => child.kill('SIGINT')
  process.once('exit', stopWithUs)
  void ended.then(() => process.off('exit', stopWithUs))
  return { pid: child.pid ?? 0, adopted: false, ended, signal: (signal) => void child.kill(signal) }
}

const ADOPTED_POLL_MS = 50

/** Takes a server that is not our child. Its end shows by the end of `connection`, which stays open for that alone. */
export function adoptServer(pid: number, cluster: string, connection: Client): ServerProcess {
  const lost = new Promise<void>((resolve) => {
    connection.once('error', () => resolve())
    connection.once('end', () => resolve())
  })
  const ended = lost.then(async () => {
    while ((await serverProcesses(cluster)).includes(pid)) await sleep(ADOPTED_POLL_MS)
    return 'adopted server ended'
  })
  return { pid, adopted: true, ended, signal: (signal) => trySignal(pid, signal) }
}
