import { isFogError } from '@fog/kernel'
import { parsePeerId } from '@fog/p2p'
import { openPeerKeys } from '../keys.ts'
import { MixError, whyOf } from '../mix-error.ts'
import { openTransport } from './open-transport.ts'
import type { PeerNeeds } from './peer-needs.ts'

const DEFAULT_SECONDS = 120

/** `send PEER`: the message is what comes on standard input. Ends when the recipient's own acknowledgement is there. */
export async function runSend(needs: PeerNeeds): Promise<void> {
  const { args, config, noise, rng, signal, say, now } = needs
  const peer = parsePeerId(args.words[0] ?? '')
  const message = await readInput(process.stdin)
  const keys = args.anonymous ? noise.makeKeyPair() : openPeerKeys(config.folder, rng)
  const transport = await openTransport(needs, await needs.open(), keys)
  const timeout = AbortSignal.timeout((args.seconds ?? DEFAULT_SECONDS) * 1000)
  const begun = now()
  try {
    await transport.send(peer, message, AbortSignal.any([signal, timeout]))
    const { real, answers, cover } = transport.status().counts
    const ms = Math.round(now() - begun)
    say({ type: 'sent', peer, from: transport.peer, bytes: message.length, ms, packets: { real, answers, cover } })
  } catch (fault) {
    signal.throwIfAborted()
    const stopped = transport.status().directory.why
    const why = stopped ?? (timeout.aborted ? 'its time is over.' : whyOf(fault))
    if (isFogError(fault) || timeout.aborted)
      throw new MixError({ code: 'mix.message_unsent', peer, why }, { cause: fault })
    throw fault
  } finally {
    transport.stop()
  }
}

async function readInput(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return new Uint8Array(Buffer.concat(parts))
}
