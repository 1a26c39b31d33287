import { readFileSync } from 'node:fs'
import { isFogError } from '@fog/kernel'
import { type Logger, pino } from 'pino'
import { type Config, readConfig } from './config.ts'
import { Worker } from './worker.ts'

/**
 * The worker's process. A parent with a channel to it is told `{ type: 'connected', nodeId }` at every welcome and
 * `{ type: 'failed', code, message }` when it gives up; when the parent goes, the worker stops.
 */
async function main(): Promise<void> {
  const config = configOrExit()
  const log = pino({ level: config.logLevel, base: { part: 'worker', pid: process.pid } })
  const hurry = new AbortController()
  let worker: Worker | undefined
  let stopping: Promise<void> | undefined
  const stop = (why: string) => {
    // Asked twice, it does not wait any more.
    if (stopping) return hurry.abort()
    log.info({ why }, 'stopping')
    stopping = (worker?.stop(hurry.signal) ?? Promise.resolve()).then(() => leave(log))
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
  if (process.connected) process.on('disconnect', () => stop('its parent is gone'))

  const fail = (fault: unknown) => {
    tell(log, fault)
    process.exitCode = 1
    stop('it cannot go on')
  }
  try {
    worker = await Worker.open({
      config,
      env: process.env,
      log,
      agentVersion: version(),
      connected: (nodeId) => process.send?.({ type: 'connected', nodeId }),
      failed: fail,
    })
    await worker.start()
  } catch (fault) {
    if (!stopping) fail(fault)
  }
}

function configOrExit(): Config {
  try {
    return readConfig()
  } catch (fault) {
    console.error(fault instanceof Error ? fault.message : fault)
    process.exit(2)
  }
}

function tell(log: Logger, fault: unknown): void {
  const message = fault instanceof Error ? fault.message : String(fault)
  const code = isFogError(fault) ? fault.code : 'worker.failed'
  log.fatal(isFogError(fault) ? { code } : { err: fault }, message)
  if (process.connected) process.send?.({ type: 'failed', code, message })
}

function leave(log: Logger): void {
  log.info('stopped')
  process.exit()
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}

await main()
