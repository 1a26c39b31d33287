import type { WorkerMessage } from '@fog/contract'
import type { StreamName } from './executor/protocol.ts'

type LogMessage = Extract<WorkerMessage, { type: 'log' }>

/** Half of what one message may hold: a character may be two units long, and sequences are kept whole. */
const MOST_CHARS = 8_192

export interface LogRelayDependencies {
  readonly attempt: { readonly attemptId: string; readonly fence: number }
  /** Says whether it was taken: false when there is no channel or it is behind. */
  readonly send: (message: LogMessage) => boolean
}

/**
 * Shows what a task prints while it runs. Nothing waits here: what the channel cannot take is left out with a notice,
 * and comes whole with the result.
 */
export class LogRelay {
  readonly #attempt: LogRelayDependencies['attempt']
  readonly #send: LogRelayDependencies['send']
  // A byte order mark is output like any other: what is shown live must be a beginning of the whole.
  readonly #decoders = {
    stdout: new TextDecoder('utf-8', { ignoreBOM: true }),
    stderr: new TextDecoder('utf-8', { ignoreBOM: true }),
  }
  #sequence = 0
  #lostBytes = 0

  constructor({ attempt, send }: LogRelayDependencies) {
    this.#attempt = attempt
    this.#send = send
  }

  print(stream: StreamName, bytes: Uint8Array): void {
    this.#show(stream, this.#decoders[stream].decode(bytes, { stream: true }))
  }

  /** A word of the platform's own. */
  say(text: string): void {
    this.#show('system', `[fog] ${text}\n`)
  }

  /** What was left of a character that never came whole. */
  end(): void {
    this.#show('stdout', this.#decoders.stdout.decode())
    this.#show('stderr', this.#decoders.stderr.decode())
  }

  #show(stream: LogMessage['stream'], text: string): void {
    for (const part of cut(text)) {
      if (this.#lostBytes > 0 && this.#put('system', `[fog] ${this.#lostBytes} bytes were not shown live\n`)) {
        this.#lostBytes = 0
      }
      if (!this.#put(stream, part)) this.#lostBytes += Buffer.byteLength(part)
    }
  }

  #put(stream: LogMessage['stream'], text: string): boolean {
    const isTaken = this.#send({ type: 'log', ...this.#attempt, sequence: this.#sequence, stream, text })
    if (isTaken) this.#sequence++
    return isTaken
  }
}

/** Whole characters only. A NUL is shown as what cannot be shown: many stores of text refuse it. */
function* cut(text: string): Generator<string> {
  const clean = text.replaceAll('\0', '\ufffd')
  for (let at = 0; at < clean.length;) {
    let end = Math.min(clean.length, at + MOST_CHARS)
    if (end < clean.length && isHighSurrogate(clean.charCodeAt(end - 1))) end--
    yield clean.slice(at, end)
    at = end
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}
