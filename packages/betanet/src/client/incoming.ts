import { type Clock, toHex, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import { type Ack, MESSAGE_ID_BYTES, missingOf } from '../fragment.ts'
import { Reassembler } from '../reassembler.ts'
import type { Content } from './content.ts'
import { SeenMessages } from './seen-messages.ts'

export interface IncomingOptions {
  readonly mostMessageBytes: number
  /** Unfinished messages at once, and their bytes together. */
  readonly mostUnfinished: number
  readonly mostUnfinishedBytes: number
  /** How long an unfinished message waits for its next fragment. */
  readonly unfinishedMs: number
  /** Messages remembered, so that none is taken twice, and how old one may be when it comes. */
  readonly mostRemembered: number
  readonly mostAgeMs: number
  readonly maxSkewMs: number
  /** Messages whose senders wait for an answer that is held back until more may have come. */
  readonly mostHeldAnswers: number
}

/** An acknowledgement, and the SURB by which it goes. */
export interface Answer {
  readonly surb: Uint8Array
  readonly ack: Ack
}

export type Arrival =
  | { readonly status: 'whole'; readonly message: Uint8Array; readonly answers: readonly Answer[] }
  /** More is to come; or it was here before, whole or in part. */
  | { readonly status: 'part' | 'repeated'; readonly answers: readonly Answer[] }
  /** Too old or from the future, too large, or not in itself consistent. Nobody is told. */
  | { readonly status: 'untimely' | 'refused'; readonly answers: readonly [] }

interface Held {
  readonly surb: Uint8Array
  readonly id: Uint8Array
  readonly messageId: Uint8Array
  readonly count: number
  readonly dueAt: number
}

const LABEL = utf8('fog betanet message id 1')
/** Of finished messages, acknowledgements kept for senders that heard none. */
const MOST_FINISHED = 4_096

/**
 * What comes from others: puts messages together, each once, and says what to answer. An answer about a whole message goes at
 * once, one about a part when all that was sent before the question should have come. Memory is bounded whatever comes.
 */
export class Incoming {
  readonly #options: IncomingOptions
  readonly #reassembler: Reassembler
  readonly #seen: SeenMessages
  readonly #held = new Map<string, Held>()

  constructor({ clock }: { readonly clock: Clock }, options: IncomingOptions) {
    this.#options = options
    this.#reassembler = new Reassembler(
      { clock },
      {
        mostMessageBytes: options.mostMessageBytes,
        mostMessages: options.mostUnfinished,
        mostBytes: options.mostUnfinishedBytes,
        mostFinished: MOST_FINISHED,
        lifetimeMs: options.unfinishedMs,
      },
    )
    const { mostRemembered: most, mostAgeMs: keepMs, maxSkewMs } = options
    this.#seen = new SeenMessages({ clock }, { most, keepMs, maxSkewMs })
  }

  /** What is kept at this moment. */
  get stats(): { unfinished: number; bytes: number; evicted: number; remembered: number; heldAnswers: number } {
    const { unfinished, bytes, evicted } = this.#reassembler.stats
    return { unfinished, bytes, evicted, remembered: this.#seen.size, heldAnswers: this.#held.size }
  }

  /** When the next answer that is held back is due, at the latest. */
  get nextAt(): number {
    const [first] = this.#held.values()
    return first?.dueAt ?? Infinity
  }

  /** Takes a fragment or a question; `waitMs` from `now` on, what was sent before the question should be here. */
  take(from: Uint8Array, content: Exclude<Content, { kind: 'loop' }>, now: number, waitMs: number): Arrival {
    const id = idOf(from, content)
    const name = toHex(id)
    if (!this.#seen.isTimely(name, content.sentAt)) return { status: 'untimely', answers: [] }
    if (content.kind === 'ask') {
      const { messageId, count, surb } = content
      const ack = { ...this.#reassembler.stateOf(id, count), messageId }
      return { status: 'part', answers: this.#answer(name, { id, messageId, count, surb, dueAt: now + waitMs }, ack) }
    }
    const { fragment, surb, sentAt } = content
    const arrival = this.#reassembler.accept({ ...fragment, messageId: id })
    if (arrival.status === 'refused') return { status: 'refused', answers: [] }
    const { messageId, count } = fragment
    const ack = { ...arrival.ack, messageId }
    const asked = surb && { id, messageId, count, surb, dueAt: now + waitMs }
    const answers = asked || isWhole(ack) ? this.#answer(name, asked, ack) : []
    if (arrival.status !== 'complete') return { status: arrival.status === 'partial' ? 'part' : 'repeated', answers }
    if (!this.#seen.note(name, sentAt)) return { status: 'repeated', answers }
    return { status: 'whole', message: arrival.message, answers }
  }

  /** Answers that waited long enough. */
  due(now: number): Answer[] {
    const answers: Answer[] = []
    for (const [name, held] of this.#held) {
      if (held.dueAt > now) break
      this.#held.delete(name)
      answers.push(this.#answerTo(held))
    }
    return answers
  }

  /** One question a message is held back; the one before it is answered when another comes. */
  #answer(name: string, asked: Held | undefined, ack: Ack): Answer[] {
    const before = this.#held.get(name)
    this.#held.delete(name)
    if (isWhole(ack)) {
      const surb = asked?.surb ?? before?.surb
      return surb ? [{ surb: surb.slice(), ack }] : []
    }
    if (asked) this.#hold(name, asked)
    return before ? [this.#answerTo(before)] : []
  }

  #hold(name: string, asked: Held): void {
    const { surb, messageId } = asked
    this.#held.set(name, { ...asked, surb: surb.slice(), messageId: messageId.slice() })
    const [oldest] = this.#held.keys()
    if (this.#held.size > this.#options.mostHeldAnswers && oldest !== undefined) this.#held.delete(oldest)
  }

  #answerTo({ surb, id, messageId, count }: Held): Answer {
    return { surb, ack: { ...this.#reassembler.stateOf(id, count), messageId } }
  }
}

/** Of a message as one sender sent it at one time: what others send can never be taken for a part of it. */
function idOf(from: Uint8Array, content: Exclude<Content, { kind: 'loop' }>): Uint8Array {
  const messageId = content.kind === 'ask' ? content.messageId : content.fragment.messageId
  return blake2b(MESSAGE_ID_BYTES, undefined, LABEL, from, messageId, utf8(`${content.sentAt}`))
}

function isWhole(ack: Ack): boolean {
  return missingOf(ack).length === 0
}
