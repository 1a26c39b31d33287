import { toHex } from '@fog/kernel'
import type { OutgoingMessage } from './outgoing-message.ts'

/** A packet that is ready, and can only go through one gateway. */
interface ReadyAnswer {
  readonly gateway: string
  readonly packet: Uint8Array
  readonly expiresAt: number
}

/** What waits for its turn to be sent: answers first, since others wait for them, then messages by turns. */
export class Outbox {
  readonly #mostAnswers: number
  readonly #messages = new Map<string, OutgoingMessage>()
  #answers: ReadyAnswer[] = []
  #bytes = 0

  constructor({ mostAnswers }: { readonly mostAnswers: number }) {
    this.#mostAnswers = mostAnswers
  }

  /** Messages on their way. */
  get size(): number {
    return this.#messages.size
  }

  /** Of all messages on their way together. */
  get bytes(): number {
    return this.#bytes
  }

  get answers(): number {
    return this.#answers.length
  }

  get hasNext(): boolean {
    return this.#answers.length > 0 || this.#messages.values().some(({ hasNext }) => hasNext)
  }

  /** When the first message's recipient has been silent for too long. */
  get nextTimeoutAt(): number {
    return this.#messages.values().reduce((first, { timeoutAt }) => Math.min(first, timeoutAt), Infinity)
  }

  add(message: OutgoingMessage): void {
    this.#messages.set(toHex(message.messageId), message)
    this.#bytes += message.bytes
  }

  /** By the message's id in hex. */
  find(name: string): OutgoingMessage | undefined {
    return this.#messages.get(name)
  }

  remove(name: string): void {
    this.#bytes -= this.#messages.get(name)?.bytes ?? 0
    this.#messages.delete(name)
  }

  timedOut(now: number): OutgoingMessage[] {
    return [...this.#messages.values()].filter(({ timeoutAt }) => timeoutAt <= now)
  }

  /** The message whose turn it is to send; it goes to the end of the line. */
  nextMessage(): OutgoingMessage | undefined {
    for (const [name, message] of this.#messages) {
      if (!message.hasNext) continue
      this.#messages.delete(name)
      this.#messages.set(name, message)
      return message
    }
    return undefined
  }

  /** Queues an answer; when there are too many the oldest is dropped, and its sender asks again. */
  addAnswer(gatewayId: Uint8Array, packet: Uint8Array, expiresAt: number): void {
    this.#answers.push({ gateway: toHex(gatewayId), packet, expiresAt })
    if (this.#answers.length > this.#mostAnswers) this.#answers.shift()
  }

  /** The first answer that goes through this gateway. */
  nextAnswer(gatewayId: Uint8Array, now: number): Uint8Array | undefined {
    const gateway = toHex(gatewayId)
    this.#answers = this.#answers.filter(({ expiresAt }) => expiresAt > now)
    const at = this.#answers.findIndex((answer) => answer.gateway === gateway)
    return at === -1 ? undefined : this.#answers.splice(at, 1)[0]!.packet
  }
}
