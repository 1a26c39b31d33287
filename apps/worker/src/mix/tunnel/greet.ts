import type { Clock } from '@fog/kernel'
import { utf8 } from '@fog/kernel'
import type { PeerId, StreamMultiplexer } from '@fog/p2p'
import { MixError, whyOf } from '../mix-error.ts'

const QUESTION = utf8('GET /healthz HTTP/1.1\r\nHost: fog\r\nConnection: close\r\n\r\n')
const AGAIN_MS = 1_000

/** Waits until the control plane answers at its address. Throws `mix.entry_silent`. */
export async function greet(
  streams: StreamMultiplexer,
  entry: PeerId,
  withinMs: number,
  { clock, now, signal }: { readonly clock: Clock; readonly now: () => number; readonly signal: AbortSignal },
): Promise<void> {
  const endsAt = now() + withinMs
  for (;;) {
    try {
      return await ask(
        streams,
        entry,
        AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.ceil(endsAt - now())))]),
      )
    } catch (fault) {
      signal.throwIfAborted()
      if (now() < endsAt) {
        await clock.sleep(AGAIN_MS, signal)
        continue
      }
      const seconds = Math.round(withinMs / 1000)
      throw new MixError({ code: 'mix.entry_silent', entry, seconds, why: whyOf(fault) }, { cause: fault })
    }
  }
}

async function ask(streams: StreamMultiplexer, entry: PeerId, signal: AbortSignal): Promise<void> {
  const stream = streams.open(entry)
  const stop = () => stream.cancel()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await stream.write(QUESTION)
    const answer = await stream.read()
    if (answer === undefined) throw new Error('it ended the connection without an answer')
  } catch (fault) {
    if (signal.aborted) throw new Error('nothing came back in time.', { cause: fault })
    throw fault
  } finally {
    signal.removeEventListener('abort', stop)
    stream.cancel()
  }
}
