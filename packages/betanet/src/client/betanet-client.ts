import { assert, equalBytes, toHex } from '@fog/kernel'
import { type PacketFit, peerIdOf, TransportError } from '@fog/p2p'
import type { ConsensusNode } from '../directory/index.ts'
import { dataBytes, encodeAck, MESSAGE_ID_BYTES } from '../fragment.ts'
import { parseDelivery } from '../gateway/inbox.ts'
import { geometry, packetFromSurb, SphinxError } from '../sphinx/index.ts'
import { Asks } from './asks.ts'
import { Avoidance, type SuspicionEvent } from './avoidance.ts'
import { type BetaNetClientOptions, DEFAULT_CLIENT_OPTIONS } from './client-options.ts'
import { type ClientReport, newCounts } from './client-report.ts'
import { fragmentRoom, parseContent } from './content.ts'
import { Emission } from './emission.ts'
import { type Answer, Incoming } from './incoming.ts'
import { LoopWatch } from './loop-watch.ts'
import { Outbox } from './outbox.ts'
import { OutgoingMessage, type OutgoingState } from './outgoing-message.ts'
import { type MakerNeeds, PacketMaker } from './packet-maker.ts'
import { contentBytesOf, openPayload } from './sealed-payload.ts'
import { type ClientLinks, Sender } from './sender.ts'
import { Timing } from './timing.ts'

export interface BetaNetClientNeeds extends MakerNeeds {
  readonly links: ClientLinks
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly events: {
    /** A message came, whole, once, and from whom it says (32 bytes). */
    received(from: Uint8Array, message: Uint8Array): void
    /** `nextAt` may be earlier than it was. */
    changed(): void
    /** Its loops blame a node, or do so no more. For its owner alone: whom a client blames would tell who it is. */
    suspected?(event: SuspicionEvent): void
  }
}

const NAME = 'betanet'
/** For a question beside its reply block. The suite of small packets has less. */
const LEAST_ROOM_BYTES = 64
/** No answer takes longer, even through the slowest delay class: eight delays of ten means of half a second, and slack. */
const ANSWER_MS = 120_000

interface Waiting {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
  readonly expiresAt: number
}

/**
 * One peer's part in the mixnet: sends messages, whole and acknowledged, under a stream of packets whose times tell nothing, and
 * takes those of others. Pure: `advance` does what is due, `handle` takes what a gateway delivers, `nextAt` says when to come
 * again; links and time are handed in.
 */
export class BetaNetClient {
  readonly #needs: BetaNetClientNeeds
  readonly #options: BetaNetClientOptions
  readonly #maker: PacketMaker
  readonly #emission: Emission
  readonly #outbox: Outbox
  readonly #asks: Asks
  readonly #incoming: Incoming
  readonly #loops = new LoopWatch()
  readonly #avoidance = new Avoidance(this.#loops)
  readonly #timing: Timing
  readonly #sender: Sender
  readonly #waiting = new Map<string, Waiting>()
  readonly #counts = newCounts()
  #isClosed = false

  constructor(needs: BetaNetClientNeeds, options: Partial<BetaNetClientOptions> = {}) {
    const all = { ...DEFAULT_CLIENT_OPTIONS, ...options }
    const { suite, clock, rng } = needs
    const { payloadBytes, surbBytes } = geometry(suite)
    assert(
      fragmentRoom(contentBytesOf(payloadBytes), surbBytes) >= LEAST_ROOM_BYTES,
      'a packet has room for a reply block',
    )
    this.#needs = needs
    this.#options = all
    this.#maker = new PacketMaker(needs, all)
    this.#timing = new Timing(() => this.#maker.consensus()?.parameters, all)
    this.#emission = new Emission({ rng }, all)
    this.#outbox = new Outbox(all)
    this.#asks = new Asks(
      { suite, clock },
      { most: 16 * all.mostOutgoing, lifetimeMs: Math.min(ANSWER_MS, all.mostAgeMs / 2) },
    )
    this.#incoming = new Incoming(
      { clock },
      { ...all, unfinishedMs: all.mostAgeMs / 2, mostHeldAnswers: 4 * all.mostUnfinished },
    )
    this.#sender = new Sender({
      ...needs,
      maker: this.#maker,
      emission: this.#emission,
      outbox: this.#outbox,
      asks: this.#asks,
      loops: this.#loops,
      timing: this.#timing,
      counts: this.#counts,
    })
  }

  get mostMessageBytes(): number {
    return this.#options.mostMessageBytes
  }

  /** A message that fills one packet, which asks for its answer as well, and what each packet before it holds. */
  get packetFit(): PacketFit {
    const { fragmentBytes, fragmentBytesWithSurb } = this.#outgoing()
    return { firstBytes: dataBytes(fragmentBytesWithSurb), nextBytes: dataBytes(fragmentBytes) }
  }

  /** The gateways this client is to have links to, the best first. */
  homes(): readonly ConsensusNode[] {
    return this.#maker.homesOf(this.#needs.own.publicKey)
  }

  /** When to call `advance` next, in the time of `now`. */
  get nextAt(): number {
    const expiry = this.#waiting.values().reduce((first, { expiresAt }) => Math.min(first, expiresAt), Infinity)
    const timeouts = Math.min(this.#outbox.nextTimeoutAt, this.#incoming.nextAt, this.#loops.nextAt, expiry)
    return Math.min(timeouts, this.#emission.nextAt(this.#outbox.hasNext))
  }

  report(): ClientReport {
    const { size: messages, bytes, answers } = this.#outbox
    return {
      directory: this.#needs.directory.standing(),
      loops: this.#loops.report(),
      suspects: this.#avoidance.suspects(),
      counts: { ...this.#counts },
      incoming: this.#incoming.stats,
      outgoing: { messages, bytes, answers },
    }
  }

  /** Resolves when the recipient (32 bytes) has the whole message; rejects with a `TransportError` or the signal's reason. */
  async send(to: Uint8Array, message: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#refuse(message)
    const { clock, rng, now, events } = this.#needs
    const messageId = rng.bytes(MESSAGE_ID_BYTES)
    const outgoing = new OutgoingMessage({ to: to.slice(), messageId, sentAt: clock.now(), message }, this.#outgoing())
    const name = toHex(messageId)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = () => this.#settle(name, signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    this.#outbox.add(outgoing)
    this.#waiting.set(name, { resolve, reject, expiresAt: now() + this.#options.mostAgeMs / 2 })
    events.changed()
    return promise.finally(() => signal.removeEventListener('abort', stop))
  }

  /** Takes what a gateway delivered. Its delivery id, to be told to the gateway as taken; undefined when it is none. */
  handle(delivery: Uint8Array): Uint8Array | undefined {
    const parsed = parseDelivery(delivery)
    if (!parsed || this.#isClosed) return undefined
    if (parsed.isCover) {
      this.#counts.receivedCover += 1
      return parsed.id.slice()
    }
    if (parsed.surbId) this.#answered(parsed.surbId, parsed.body)
    else this.#arrived(parsed.body)
    this.#needs.events.changed()
    return parsed.id.slice()
  }

  /** A link opened or closed. */
  linksChanged(closed?: Uint8Array): void {
    if (closed) this.#loops.linkClosed(closed)
    this.#emission.unstick()
    this.#needs.events.changed()
  }

  /** Does all that is due. */
  advance(): void {
    if (this.#isClosed) return
    const now = this.#needs.now()
    for (const [name, { expiresAt }] of this.#waiting) if (expiresAt <= now) this.#giveUp(name)
    for (const message of this.#outbox.timedOut(now)) {
      this.#counts.timeouts += 1
      this.#moved(message, message.timeOut())
    }
    for (const answer of this.#incoming.due(now)) this.#answer(answer, now)
    this.#loops.expire(now)
    this.#lookAtLoops(now)
    this.#sender.emit(now)
  }

  /** Gives up all that is on its way. */
  close(): void {
    this.#isClosed = true
    for (const name of this.#waiting.keys())
      this.#settle(name, new TransportError({ code: 'transport.closed', transport: NAME }))
  }

  #lookAtLoops(now: number): void {
    const consensus = this.#maker.consensus()
    const events = consensus ? this.#avoidance.look(now, consensus) : []
    if (events.length > 0) this.#maker.avoid(this.#avoidance.avoided)
    for (const event of events) this.#needs.events.suspected?.(event)
  }

  #refuse(message: Uint8Array): void {
    const { mostMessageBytes, mostOutgoing, mostOutgoingBytes } = this.#options
    const [transport, waiting] = [NAME, this.#outbox.size]
    if (this.#isClosed) throw new TransportError({ code: 'transport.closed', transport })
    if (message.length > mostMessageBytes) {
      const [bytes, mostBytes] = [message.length, mostMessageBytes]
      throw new TransportError({ code: 'transport.frame_too_long', transport, bytes, mostBytes })
    }
    if (waiting >= mostOutgoing || this.#outbox.bytes + message.length > mostOutgoingBytes)
      throw new TransportError({ code: 'transport.queue_full', transport, waiting })
  }

  #outgoing(): ConstructorParameters<typeof OutgoingMessage>[1] {
    const { payloadBytes, surbBytes } = geometry(this.#needs.suite)
    const content = contentBytesOf(payloadBytes)
    return {
      fragmentBytes: fragmentRoom(content),
      fragmentBytesWithSurb: fragmentRoom(content, surbBytes),
      timeoutMs: () => this.#timeoutMs(),
      mostStalls: this.#options.mostStalls,
    }
  }

  #timeoutMs(): number {
    return this.#timing.timeoutMs(this.#emission.isCovered ? 'covered' : 'uncovered')
  }

  #arrived(payload: Uint8Array): void {
    const { noise, own, suite, now, events } = this.#needs
    const opened = openPayload(noise, own, payload)
    const content = opened && parseContent(suite, opened.content)
    if (!content) return void (this.#counts.refused += 1)
    if (content.kind === 'loop') {
      if (!equalBytes(opened.from, own.publicKey) || !this.#loops.returned(content.loopId, now()))
        this.#counts.refused += 1
      return
    }
    const arrival = this.#incoming.take(opened.from, content, now(), this.#timing.holdAnswersMs())
    if (arrival.status === 'untimely' || arrival.status === 'refused') this.#counts.refused += 1
    if (arrival.status === 'repeated') this.#counts.repeated += 1
    if (arrival.status === 'whole') {
      this.#counts.received += 1
      events.received(opened.from, arrival.message)
    }
    // Only when whoever waits for the message has it is its sender told so.
    for (const answer of arrival.answers) this.#answer(answer, now())
  }

  #answer({ surb, ack }: Answer, now: number): void {
    const { suite, links } = this.#needs
    try {
      const { firstHop, packet } = packetFromSurb(suite, surb, encodeAck(ack))
      const gateways = [...links.open(), ...this.homes().map(({ signed }) => signed.descriptor.identityKey)]
      // A stranger's SURB sends nobody's packets anywhere but to this client's own gateways.
      if (!gateways.some((id) => equalBytes(id, firstHop))) return
      this.#outbox.addAnswer(firstHop, packet, now + this.#timeoutMs())
    } catch (fault) {
      if (!(fault instanceof SphinxError)) throw fault
    }
  }

  #answered(surbId: Uint8Array, block: Uint8Array): void {
    const answer = this.#asks.open(surbId, block)
    if (!answer) return void (this.#counts.refused += 1)
    this.#timing.answerTimes.note(this.#needs.now() - answer.askedAt)
    const message = this.#outbox.find(answer.message)
    if (message) this.#moved(message, message.acknowledge(answer.ack, answer.askedAt))
  }

  #moved({ messageId }: OutgoingMessage, state: OutgoingState): void {
    if (state === 'arrived') this.#settle(toHex(messageId))
    if (state === 'given_up') this.#giveUp(toHex(messageId))
  }

  #giveUp(name: string): void {
    const to = this.#outbox.find(name)?.to
    const peer = to ? peerIdOf(to) : ''
    const { why } = this.#needs.directory.standing()
    const cause = why === undefined ? {} : { cause: new Error(why) }
    this.#settle(name, new TransportError({ code: 'transport.peer_unreachable', transport: NAME, peer }, cause))
  }

  /** The message is done with: arrived, or failed for this reason. */
  #settle(name: string, reason?: unknown): void {
    const waiting = this.#waiting.get(name)
    this.#waiting.delete(name)
    this.#outbox.remove(name)
    if (reason === undefined) waiting?.resolve()
    else waiting?.reject(reason)
  }
}
