import { join } from 'node:path'
import type { PeerNeeds } from '../peer/peer-needs.ts'
import { startTunnel } from './tunnel.ts'

/** `tunnel`: says where it listens once the control plane has answered, and serves until it is told to stop. */
export async function runTunnel({ args, config, log, signal, say }: PeerNeeds): Promise<void> {
  const { urls, network, entry, cover } = config
  // Beside the peer's own folder: its key is for messages, and one key cannot be at two places.
  const folder = join(config.folder, 'tunnel')
  const waitMs = args.seconds === undefined ? undefined : args.seconds * 1000
  const tunnel = await startTunnel({ urls, network, entry, cover, folder, port: args.port, waitMs, log, signal })
  const { url, socketPath: socket, peer } = tunnel
  const facts = { url, ...(socket !== undefined && { socket }), entry: tunnel.entry, peer }
  say({ type: 'tunnel', ...facts })
  if (process.connected) process.send?.({ type: 'started', ...facts })
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await tunnel.stop()
}
