import { parseArgs } from 'node:util'
import { isFogError } from '@fog/kernel'
import { noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import { type Logger, pino } from 'pino'
import { type MixConfig, readMixConfig } from './config.ts'
import { MixApp } from './mix-app.ts'
import { MixError, whyOf } from './mix-error.ts'
import { runPeer } from './peer/peer-main.ts'

/**
 * The programs of the mixnet. `run` serves as a node until it is told to stop; the others are of a peer. A parent with a channel
 * to it is told `{ type: 'started', … }` and `{ type: 'failed', code, message }`; when the parent goes, the program stops. It ends
 * with 0 when it was stopped or did what it should, 1 when it could not, 2 for a setting or a command it does not understand.
 */
async function main(): Promise<void> {
  const [command = 'run', ...rest] = process.argv.slice(2)
  if (command !== 'run') return runPeer(command, rest)
  const config = orExit(() => {
    const { values } = parseArgs({ args: rest, options: { config: { type: 'string' } }, strict: true })
    return readMixConfig(values.config)
  })
  await serve(config)
}

async function serve(config: MixConfig): Promise<void> {
  const log = pino({ level: config.logLevel, base: { part: 'mix', pid: process.pid } })
  const hurry = new AbortController()
  let app: MixApp | undefined
  let stopping: Promise<void> | undefined
  const stop = (why: string) => {
    // Asked twice, it does not wait any more.
    if (stopping) return hurry.abort()
    log.info({ why }, 'stopping')
    stopping = Promise.resolve(app?.stop(hurry.signal)).then(
      () => leave(log),
      (fault: unknown) => {
        log.error({ err: fault }, 'it did not stop in good order')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
  if (process.connected) process.on('disconnect', () => stop('its parent is gone'))
  const failed = (fault: unknown) => {
    tell(log, fault)
    process.exitCode = 1
    stop('it cannot go on')
  }
  try {
    app = new MixApp({ config, clock: systemClock, rng: systemRng, noise: noiseSuite(), log, failed })
    const started = await app.start()
    if (process.connected) process.send?.({ type: 'started', ...started })
  } catch (fault) {
    if (!stopping) failed(fault)
  }
}

function tell(log: Logger, fault: unknown): void {
  const message = whyOf(fault)
  const code = isFogError(fault) ? fault.code : 'mix.failed'
  log.fatal(isFogError(fault) ? { code } : { err: fault }, message)
  if (process.connected) process.send?.({ type: 'failed', code, message })
}

function leave(log: Logger): void {
  log.info('stopped')
  process.exit()
}

function orExit<T>(read: () => T): T {
  try {
    return read()
  } catch (fault) {
    const code = fault instanceof MixError ? fault.code : 'mix.setting_invalid'
    console.error(whyOf(fault))
    if (process.connected) process.send?.({ type: 'failed', code, message: whyOf(fault) })
    process.exit(2)
  }
}

await main()
