import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fog } from '@fog/sdk'
import { CliError } from '../cli-error.ts'
import { EXIT, Interrupted } from '../exit-code.ts'
import { tellFault } from '../faults.ts'
import { FileLock } from '../file-lock.ts'
import type { Invocation } from '../invocation.ts'
import { readLocalFog } from '../server/local-fog.ts'
import { PROGRAMS } from './child.ts'
import { KeptAlive, type LifeChange } from './kept-alive.ts'
import { runExample } from './up-example.ts'
import { startWorker, workerSeats } from './up-worker.ts'
import { UpReport } from './up-report.ts'

export interface UpOptions {
  readonly example: boolean
  readonly workers: number
}

/** The control plane's own bound, and a little. */
const STOP_GRACE_MS = 35_000
/** A fog that was killed stops by itself, its database too; so long a new one waits for it. */
const FORMER_WITHIN_MS = 20_000
const FORMER_LOOK_MS = 500
const CONSOLE = fileURLToPath(new URL('../../../console/dist', import.meta.url))

/** Runs a whole fog on this machine until it is told to stop. Throws what kept it from starting. */
export async function fogUp(it: Invocation, options: UpOptions): Promise<number> {
  const { dataDir } = it.config
  const lock = FileLock.tryTake(join(dataDir, 'up.lock'))
  if (!lock) throw await alreadyRunning(dataDir)
  const house = new House()
  const stop = new AbortController()
  const ended = house.listen(it, stop)
  try {
    const report = new UpReport(it, dataDir)
    const isOver = await Promise.race([story(it, options, house, report, stop.signal), ended])
    if (isOver !== 'stopped') await Promise.race([house.failed, ended])
    await report.stopping()
    return house.exitCode
  } finally {
    await house.stop()
    house.forget()
    lock.release()
  }
}

async function alreadyRunning(dataDir: string): Promise<CliError> {
  const local = await readLocalFog(dataDir)
  return new CliError({ code: 'up.already_running', dataDir, url: local?.url ?? 'an address it has not told yet' })
}

/** What happens, in order, until everything is up. */
async function story(
  it: Invocation,
  { example, workers }: UpOptions,
  house: House,
  report: UpReport,
  signal: AbortSignal,
): Promise<'up' | 'stopped'> {
  const { dataDir, workerDir } = it.config
  const onChange = (change: LifeChange) => house.changed(change, report)
  const { url, setupCode } = await startControlPlane(it, house, report, onChange)
  const local = await readLocalFog(dataDir)
  const fog = new Fog({ baseUrl: url, clock: it.clock, token: () => local?.token })
  await report.controlPlane(url)

  for (const seat of workerSeats({ dataDir, workerDir }, workers)) {
    if (signal.aborted) return 'stopped'
    const start = { fog, url, dataDir, onChange }
    await report.worker(await startWorker(it, seat, start, (worker) => house.keep(worker)))
  }
  if (signal.aborted) return 'stopped'
  if (example) await tryExample(it, fog, workers, report)
  if (signal.aborted) return 'stopped'
  const me = setupCode === undefined ? await fog.client.call('getMe', {}) : undefined
  await report.up({ url, setupCode, adminName: me?.name, hasConsole: consoleDirOf(it) !== undefined })
  return 'up'
}

/** A fog without its example is still a fog: what went wrong is said, and it stays up. */
async function tryExample(it: Invocation, fog: Fog, workers: number, report: UpReport): Promise<void> {
  if (workers === 0) return report.exampleFailed('it needs a worker on this machine.')
  try {
    await report.example(await runExample(it, fog, it.config.dataDir))
  } catch (fault) {
    if (!(fault instanceof Interrupted)) await report.exampleFailed(tellFault(fault).detail)
  }
}

interface Door {
  readonly url: string
  readonly setupCode: string | undefined
}

async function startControlPlane(
  it: Invocation,
  house: House,
  report: UpReport,
  onChange: (change: LifeChange) => void,
): Promise<Door> {
  const { environment, dataDir, httpPort, publicUrl } = it.config
  let port = httpPort
  const controlPlane = new KeptAlive(it, {
    what: 'control plane',
    readyType: 'ready',
    stopGraceMs: STOP_GRACE_MS,
    onChange,
    spec: () => ({
      program: PROGRAMS.controlPlane,
      logFile: join(dataDir, 'logs', 'control-plane.log'),
      environment: {
        ...environment,
        FOG_DATA_DIR: dataDir,
        FOG_HTTP_PORT: port,
        FOG_CONSOLE_DIR: consoleDirOf(it),
      },
    }),
  })
  house.keep(controlPlane)
  const giveUpAt = it.now() + FORMER_WITHIN_MS
  for (;;) {
    try {
      const { url, setupCode } = (await controlPlane.start()) as unknown as Door
      // Started again, it must be found where it was.
      if (publicUrl === undefined) port = new URL(url).port
      return { url, setupCode }
    } catch (fault) {
      if (!isFormerStopping(fault) || it.now() >= giveUpAt) throw fault
      await report.waitingForFormer()
      await it.clock.sleep(FORMER_LOOK_MS)
    }
  }
}

function isFormerStopping(fault: unknown): boolean {
  return (
    fault instanceof CliError &&
    fault.facts.code === 'up.not_started' &&
    fault.facts.reason === 'database.folder_in_use'
  )
}

function consoleDirOf({ config }: Invocation): string | undefined {
  return config.consoleDir ?? (existsSync(join(CONSOLE, 'index.html')) ? CONSOLE : undefined)
}

/** All that runs, the last started first to stop. */
class House {
  exitCode: number = EXIT.ok
  readonly failed: Promise<void>
  readonly #children: KeptAlive[] = []
  readonly #fail: () => void
  #ignore: (() => void)[] = []
  #isStopped = false

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.failed = promise
    this.#fail = resolve
  }

  /** One that comes when everything stops already will not start. */
  keep(child: KeptAlive): void {
    if (this.#isStopped) child.kill()
    this.#children.push(child)
  }

  /** Resolves at the first Ctrl-C, or when whoever started this is gone; a second Ctrl-C ends everything at once. */
  listen(it: Invocation, stop: AbortController): Promise<'stopped'> {
    return new Promise((resolve) => {
      const end = () => {
        stop.abort()
        resolve('stopped')
      }
      const interrupted = () => {
        if (!stop.signal.aborted) return end()
        for (const child of this.#children) child.kill()
        it.terminal.leave(EXIT.interrupted)
      }
      this.#ignore = [it.terminal.onInterrupt(interrupted), it.terminal.onOrphaned(end)]
    })
  }

  forget(): void {
    for (const ignore of this.#ignore) ignore()
  }

  changed(change: LifeChange, report: UpReport): void {
    void report.life(change)
    if (change.type !== 'given-up' || change.what !== 'control plane') return
    this.exitCode = EXIT.failed
    this.#fail()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const child of this.#children.splice(0).reverse()) await child.stop()
  }
}
