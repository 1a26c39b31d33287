import { setTimeout as wait } from 'node:timers/promises'
import { openPeerKeys } from '../keys.ts'
import { openTransport } from './open-transport.ts'
import type { PeerNeeds } from './peer-needs.ts'

/** How long after the last message wanted its acknowledgement has to leave, beyond what cover makes it wait. */
const ACKNOWLEDGE_MS = 2_000

/** `inbox`: says each message that comes, until it is told to stop, or so many came. */
export async function runInbox(needs: PeerNeeds): Promise<void> {
  const { args, config, rng, signal, say, clock } = needs
  const keys = openPeerKeys(config.folder, rng)
  const network = await needs.open()
  const transport = await openTransport(needs, network, keys)
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  let received = 0
  transport.onFrame((from, message) => {
    received += 1
    say({ type: 'message', from, at: clock.now(), bytes: message.length, ...contentOf(message) })
    if (received === args.count) end()
  })
  say({ type: 'listening', peer: transport.peer, gateways: transport.status().gateways.length })
  signal.addEventListener('abort', () => end(), { once: true })
  await over
  // Senders are still to hear that it came.
  const sendMs = network.directory.current()?.parameters.clientSendMeanMs ?? 0
  if (!signal.aborted) await wait(ACKNOWLEDGE_MS + 10 * sendMs, undefined, { signal }).catch(() => undefined)
  transport.stop()
}

/** As text where it is text without what a terminal would obey; else in base64. */
function contentOf(message: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message) }
  } catch {
    return { base64: Buffer.from(message).toString('base64') }
  }
}
