import { type Clock, type DhKeyPair, randomBelow, type Rng, toHex } from '@fog/kernel'
import type { Asks } from './asks.ts'
import type { ClientCounts } from './client-report.ts'
import { encodeAsk, encodeFragmentContent, encodeLoop, LOOP_ID_BYTES } from './content.ts'
import type { Emission } from './emission.ts'
import type { LoopWatch } from './loop-watch.ts'
import type { Outbox } from './outbox.ts'
import type { OutgoingMessage, Parcel } from './outgoing-message.ts'
import type { MadePacket, PacketMaker } from './packet-maker.ts'
import type { Timing } from './timing.ts'

/** The client's links to gateways, whatever carries them. */
export interface ClientLinks {
  /** Ids of the gateways whose link is open. */
  open(): readonly Uint8Array[]
  /** Hands a packet to a gateway. False when its link does not keep up or is gone: the packet is lost. */
  send(gatewayId: Uint8Array, packet: Uint8Array): boolean
}

export interface SenderNeeds {
  readonly own: DhKeyPair
  readonly clock: Clock
  readonly rng: Rng
  readonly links: ClientLinks
  readonly maker: PacketMaker
  readonly emission: Emission
  readonly outbox: Outbox
  readonly asks: Asks
  readonly loops: LoopWatch
  readonly timing: Timing
  readonly counts: ClientCounts
}

/** What leaves a client: at each of its moments a real packet if there is one, and else one that looks the same. */
export class Sender {
  readonly #needs: SenderNeeds

  constructor(needs: SenderNeeds) {
    this.#needs = needs
  }

  /** Sends all that is due. */
  emit(now: number): void {
    const { maker, emission, counts } = this.#needs
    const consensus = maker.consensus()
    if (!consensus) return emission.pause(now)
    emission.setRates(consensus.parameters, now)
    while (emission.isLoopDue(now)) this.#sendLoop(now)
    while (emission.isSendDue(now)) {
      // The link is chosen before what goes over it: traffic on each tells nothing either.
      const gateway = this.#anyGateway()
      if (!gateway || this.#sendReal(gateway, now)) continue
      counts.cover += 1
      this.#hand(gateway, maker.cover(gateway)?.packet)
    }
    if (!emission.isCovered) this.#emitAtOnce(now)
  }

  #emitAtOnce(now: number): void {
    const { outbox, emission, links } = this.#needs
    while (outbox.hasNext && emission.mayLeave(now)) {
      const first = this.#anyGateway()
      const gateways = first ? [first, ...links.open()] : []
      if (!gateways.some((gateway) => this.#sendReal(gateway, now))) return emission.stuck(now)
      emission.left(now)
    }
  }

  /** Whether there was a packet to send. */
  #sendReal(gatewayId: Uint8Array, now: number): boolean {
    const packet = this.#real(gatewayId, now)
    if (packet) this.#hand(gatewayId, packet)
    return packet !== undefined
  }

  #anyGateway(): Uint8Array | undefined {
    const { links, rng } = this.#needs
    const open = links.open()
    return open[randomBelow(rng, open.length)]
  }

  #hand(gatewayId: Uint8Array, packet: Uint8Array | undefined): void {
    const { links, counts } = this.#needs
    if (packet && !links.send(gatewayId, packet)) counts.unsent += 1
  }

  #sendLoop(now: number): void {
    const { clock, rng, own, maker, loops, timing, counts } = this.#needs
    const [entry, exit] = [this.#anyGateway(), this.#anyGateway()]
    const parameters = maker.consensus()?.parameters
    if (!entry || !exit || !parameters) return
    const loopId = rng.bytes(LOOP_ID_BYTES)
    const made = maker.forPeer(own.publicKey, { entry, exit }, encodeLoop(clock.now(), loopId))
    if (!made) return
    loops.sent(loopId, made.hops, timing.loopTimes(parameters, now))
    counts.loops += 1
    this.#hand(entry, made.packet)
  }

  /** The next packet that is no cover and can go through this gateway. */
  #real(gatewayId: Uint8Array, now: number): Uint8Array | undefined {
    const { outbox, maker, counts } = this.#needs
    const answer = outbox.nextAnswer(gatewayId, now)
    if (answer) {
      counts.answers += 1
      return answer
    }
    const message = outbox.nextMessage()
    const homes = message ? maker.homesOf(message.to) : []
    const exit = message && homes[message.turn % homes.length]?.signed.descriptor.identityKey
    if (!exit) return undefined
    counts.real += 1
    return this.#packetOf(message, message.next(now), { entry: gatewayId, exit }, now)?.packet
  }

  #packetOf(
    message: OutgoingMessage,
    { fragment, asks }: Parcel,
    ends: { readonly entry: Uint8Array; readonly exit: Uint8Array },
    now: number,
  ): MadePacket | undefined {
    const { maker } = this.#needs
    const { sentAt, messageId, count, to } = message
    const surb = asks ? this.#askFor(toHex(messageId), ends.exit, now) : undefined
    if (fragment) return maker.forPeer(to, ends, encodeFragmentContent(sentAt, fragment, surb))
    return surb && maker.forPeer(to, ends, encodeAsk(sentAt, { messageId, count, surb }))
  }

  /** A SURB that brings the answer from the recipient's gateway to one where this client is. */
  #askFor(message: string, from: Uint8Array, now: number): Uint8Array | undefined {
    const { maker, asks } = this.#needs
    const home = this.#anyGateway()
    const made = home && maker.surb(from, home)
    return made && asks.expect(made.surbId, made.keys, message, now) ? made.surb : undefined
  }
}
