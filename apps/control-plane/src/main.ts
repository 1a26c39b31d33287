import { isFogError } from '@fog/kernel'
import { pino } from 'pino'
import { startControlPlane } from './compose.ts'
import { readConfig } from './config.ts'

/** Runs one control plane until it is told to stop, by a signal or by its parent going away. */
async function main(): Promise<void> {
  const config = readConfig()
  const log = pino({ level: config.logLevel })
  const controlPlane = await startControlPlane(config, log)
  const { url, setupCode } = controlPlane
  // A parent such as `fog up` waits for this; alone, the log says it.
  process.send?.({ type: 'ready', url, setupCode })
  if (!process.send && setupCode !== undefined) {
    console.log(`First log-in: open ${url}/setup#code=${setupCode}`)
  }
  let stopping = false
  const stop = (why: string) => {
    if (stopping) return
    stopping = true
    log.info({ why }, 'stopping')
    const giveUp = setTimeout(() => process.exit(1), config.timing.stopGraceMs * 3)
    controlPlane.stop().then(
      () => {
        clearTimeout(giveUp)
        process.exit(0)
      },
      (fault: unknown) => {
        log.error({ err: fault }, 'did not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  process.on('disconnect', () => stop('its parent is gone'))
}

main().catch((fault: unknown) => {
  const told = isFogError(fault) ? { code: fault.code, text: fault.message } : { code: 'internal', text: String(fault) }
  process.send?.({ type: 'failed', ...told })
  console.error(isFogError(fault) ? fault.message : fault)
  process.exit(1)
})
