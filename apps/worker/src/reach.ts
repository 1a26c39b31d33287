import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, isFogError, type Rng } from '@fog/kernel'
import type { Logger } from 'pino'
import { type ChannelOptions, DEFAULT_CHANNEL } from './channel.ts'
import type { Config } from './config.ts'
import { WorkerError } from './errors.ts'
import { writeFileAtomically } from './files.ts'
import { startTunnel, type Tunnel } from './mix/tunnel/index.ts'
import { backoffMs } from './retry.ts'

/** How the control plane is reached. */
export interface Way {
  /** Where all is asked for: the control plane's own address, or that of a tunnel to it on this machine. */
  readonly url: string
  readonly channel: ChannelOptions
  stop(): Promise<void>
}

export interface WayNeeds {
  readonly config: Pick<Config, 'folder' | 'url' | 'reach' | 'tunnel'>
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** Ends the waiting for a network that is not there yet. */
  readonly signal: AbortSignal
}

/** What is no fault of the settings: a network that is not there yet, or not any more for the moment. */
const PASSING: ReadonlySet<string> = new Set([
  'mix.no_consensus',
  'mix.no_gateway',
  'mix.directory_silent',
  'mix.no_entry',
  'mix.entry_silent',
])
const AGAIN = { firstMs: 1_000, mostMs: 30_000 }

/** A message may be sent anew several times before it is heard, and each way takes as long as its delays are drawn. */
const MIXED_CHANNEL: ChannelOptions = {
  ...DEFAULT_CHANNEL,
  reconnect: { firstMs: 1_000, mostMs: 30_000 },
  openMs: 60_000,
  leastSilenceMs: 60_000,
}

/** Its presence says that this identity was never connected directly since it first went through the mixnet. */
const MARK = 'reach'

/**
 * Opens the way that the settings ask for. Through the mixnet it waits for a network as long as it takes: there is no falling back to
 * an ordinary connection, which would show what this device is. Throws `worker.reach_changed` for a device that was hidden before.
 */
export async function openWay(needs: WayNeeds): Promise<Way> {
  const { folder, url, reach } = needs.config
  const mark = join(folder, MARK)
  if (reach === 'direct') {
    if (existsSync(mark)) throw new WorkerError({ code: 'worker.reach_changed', folder })
    return { url, channel: DEFAULT_CHANNEL, stop: async () => undefined }
  }
  writeFileAtomically(mark, 'mixnet\n', 0o600)
  const tunnel = await tunnelOf(needs)
  return { url: tunnel.url, channel: MIXED_CHANNEL, stop: () => tunnel.stop() }
}

async function tunnelOf({ config, clock, rng, log, signal }: WayNeeds): Promise<Tunnel> {
  const { folder, url, tunnel } = config
  const options = { urls: [url], folder: join(folder, 'mix'), ...tunnel, log, signal }
  for (let tries = 1; ; tries += 1) {
    try {
      return await startTunnel(options)
    } catch (fault) {
      signal.throwIfAborted()
      if (isFogError(fault) && !PASSING.has(fault.code)) throw fault
      const inMs = backoffMs(tries, AGAIN, rng)
      const why = fault instanceof Error ? fault.message : String(fault)
      log.warn({ why, inMs: Math.round(inMs) }, 'no way through the mixnet yet; trying again')
      await clock.sleep(inMs, signal)
    }
  }
}
