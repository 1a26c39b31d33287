import { assert } from '@fog/kernel'
import { NODE_ID_BYTES, RECIPIENT_BYTES, SURB_ID_BYTES } from './geometry.ts'
import type { SphinxSuite } from './suite.ts'

/**
 * Routing commands of one hop: a tag byte and a body of known length each, then zeros to the end. A hop either forwards
 * (next hop, with the MAC that the header then bears) or is the last (recipient, SURB reply or both).
 */
const NULL = 0x00
const NEXT_HOP = 0x01
const RECIPIENT = 0x02
const SURB_REPLY = 0x03
/** u32, big-endian, milliseconds. */
const DELAY_MS = 0x80
/** u8: one of the delay classes that the consensus names. */
const DELAY_CLASS = 0x81

const DELAY_MS_BYTES = 4
export const MOST_DELAY_MS = 2 ** 32 - 1
export const MOST_DELAY_CLASS = 255

export type HopKind = 'forward' | 'deliver' | 'surb-reply'

/** What a hop is told. Made once and filled again for every packet, so its buffers change with the next one. */
export class HopCommands {
  readonly nextHop = Buffer.alloc(NODE_ID_BYTES)
  readonly nextMac: Buffer
  readonly recipient = Buffer.alloc(RECIPIENT_BYTES)
  readonly surbId = Buffer.alloc(SURB_ID_BYTES)
  hasRecipient = false
  delayMs = 0
  delayClass = 0
  readonly #bytes: number
  readonly #delays: SphinxSuite['delays']
  #seen = 0
  #end = 0

  constructor({ geometry, delays }: Pick<SphinxSuite, 'geometry' | 'delays'>) {
    this.nextMac = Buffer.alloc(geometry.macBytes)
    this.#bytes = geometry.commandBytes
    this.#delays = delays
  }

  /** What the hop is to do by this slot; undefined when the commands make no sense together or are cut off. */
  parse(slot: Buffer): HopKind | undefined {
    assert(slot.length >= this.#bytes, 'a slot holds all commands')
    this.#forget()
    while (this.#end < this.#bytes && slot[this.#end] !== NULL) if (!this.#take(slot)) return undefined
    // Behind the null command nothing may hide.
    let rest = 0
    for (let i = this.#end; i < this.#bytes; i++) rest |= slot[i]!
    return rest === 0 ? this.#kind() : undefined
  }

  #forget(): void {
    this.#seen = 0
    this.#end = 0
    this.delayMs = 0
    this.delayClass = 0
    this.hasRecipient = false
  }

  #take(slot: Buffer): boolean {
    const at = this.#end + 1
    switch (slot[this.#end]) {
      case NEXT_HOP:
        if (!this.#advance(1, NODE_ID_BYTES + this.nextMac.length)) return false
        slot.copy(this.nextHop, 0, at, at + NODE_ID_BYTES)
        slot.copy(this.nextMac, 0, at + NODE_ID_BYTES, this.#end)
        return true
      case RECIPIENT:
        if (!this.#advance(2, RECIPIENT_BYTES)) return false
        slot.copy(this.recipient, 0, at, this.#end)
        this.hasRecipient = true
        return true
      case SURB_REPLY:
        if (!this.#advance(4, SURB_ID_BYTES)) return false
        slot.copy(this.surbId, 0, at, this.#end)
        return true
      case DELAY_MS:
        if (this.#delays !== 'milliseconds' || !this.#advance(8, DELAY_MS_BYTES)) return false
        this.delayMs = slot.readUInt32BE(at)
        return true
      case DELAY_CLASS:
        if (this.#delays !== 'class' || !this.#advance(8, 1)) return false
        this.delayClass = slot[at]!
        return true
      default:
        return false
    }
  }

  /** Past a command's tag and body, unless it came before or is cut off. */
  #advance(bit: number, bodyBytes: number): boolean {
    if ((this.#seen & bit) !== 0 || this.#end + 1 + bodyBytes > this.#bytes) return false
    this.#seen |= bit
    this.#end += 1 + bodyBytes
    return true
  }

  #kind(): HopKind | undefined {
    switch (this.#seen & 7) {
      case 1:
        return 'forward'
      case 2:
        return 'deliver'
      case 4:
      case 6:
        return 'surb-reply'
      default:
        return undefined
    }
  }
}

/** What a sender tells one hop. */
export interface CommandsToWrite {
  readonly delayMs?: number | undefined
  readonly delayClass?: number | undefined
  readonly recipient?: Uint8Array | undefined
  readonly surbId?: Uint8Array | undefined
  readonly next?: { readonly id: Uint8Array; readonly mac: Uint8Array } | undefined
}

/** Delay, recipient, SURB reply, next hop, in this order: the bytes before the zeros. */
export function encodeCommands({ delayMs, delayClass, recipient, surbId, next }: CommandsToWrite): Uint8Array {
  const parts: Uint8Array[] = []
  const add = (tag: number, ...body: readonly Uint8Array[]) => parts.push(Uint8Array.of(tag), ...body)
  if (delayMs !== undefined) {
    const body = Buffer.alloc(DELAY_MS_BYTES)
    body.writeUInt32BE(delayMs)
    add(DELAY_MS, body)
  }
  if (delayClass !== undefined) add(DELAY_CLASS, Uint8Array.of(delayClass))
  if (recipient) add(RECIPIENT, recipient)
  if (surbId) add(SURB_REPLY, surbId)
  if (next) add(NEXT_HOP, next.id, next.mac)
  return Buffer.concat(parts)
}
