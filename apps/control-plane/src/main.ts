import { isFogError } from '@fog/kernel'
import { startControlPlane } from './compose.ts'
import { type Config, readConfig } from './config.ts'
import { makeLog } from './http/log.ts'
import { backUp, restore } from './keep-safe.ts'

const USAGE = 'Usage: fog-control-plane [backup FILE | restore FILE]'

async function main(): Promise<void> {
  const [command, file, ...rest] = process.argv.slice(2)
  const config = readConfig()
  if (command === undefined) return run(config)
  const work = { backup: backUp, restore }[command]
  if (!work || file === undefined || rest.length > 0) {
    console.error(USAGE)
    process.exit(2)
  }
  await work(config, file, (text) => console.log(text))
  process.exit(0)
}

/** Runs one control plane until it is told to stop, by a signal or by its parent going away. */
async function run(config: Config): Promise<void> {
  const log = makeLog(config)
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
