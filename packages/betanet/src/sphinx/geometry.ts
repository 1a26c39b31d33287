/** Sizes of packets, derived once. No other file holds a length as a number. All are in bytes, offsets from a packet's start. */

export const NODE_ID_BYTES = 32
export const RECIPIENT_BYTES = 32
export const SURB_ID_BYTES = 16
export const KEY_BYTES = 32

const VERSION_BYTES = 2
const ELEMENT_BYTES = 32
const MAC_BYTES = 32
/** Zero bytes before the payload, which prove at the last hop that nobody touched it. */
const TAG_BYTES = 32

const TAGGED = 1
/** Next hop and SURB reply together: the most that a last hop but one ever needs, and what Katzenpost reserves. */
const COMMAND_BYTES = TAGGED + NODE_ID_BYTES + MAC_BYTES + TAGGED + SURB_ID_BYTES

/** What a suite chooses; all else follows. */
export interface Shape {
  /** The longest path. */
  readonly hops: number
  /** Whether a slot carries the next hop's element behind its commands. */
  readonly elementInSlot: 'carried' | 'computed'
  readonly payloadBytes: number
  readonly payloadKeyBytes: number
}

export interface Geometry {
  readonly hops: number
  readonly versionBytes: number
  readonly elementBytes: number
  readonly macBytes: number
  readonly tagBytes: number
  /** The part of a slot that holds routing commands. */
  readonly commandBytes: number
  /** One hop's share of the routing block. */
  readonly slotBytes: number
  readonly routingBytes: number
  readonly headerBytes: number
  /** What a sender can say in one packet. */
  readonly payloadBytes: number
  /** Tag and payload: what is encrypted as one wide block. */
  readonly blockBytes: number
  readonly packetBytes: number
  readonly payloadKeyBytes: number
  readonly surbBytes: number
  readonly elementAt: number
  readonly routingAt: number
  readonly macAt: number
  readonly blockAt: number
}

export function geometryOf({ hops, elementInSlot, payloadBytes, payloadKeyBytes }: Shape): Geometry {
  const slotBytes = COMMAND_BYTES + (elementInSlot === 'carried' ? ELEMENT_BYTES : 0)
  const routingBytes = hops * slotBytes
  const routingAt = VERSION_BYTES + ELEMENT_BYTES
  const macAt = routingAt + routingBytes
  const headerBytes = macAt + MAC_BYTES
  const blockBytes = TAG_BYTES + payloadBytes
  return {
    hops,
    versionBytes: VERSION_BYTES,
    elementBytes: ELEMENT_BYTES,
    macBytes: MAC_BYTES,
    tagBytes: TAG_BYTES,
    commandBytes: COMMAND_BYTES,
    slotBytes,
    routingBytes,
    headerBytes,
    payloadBytes,
    blockBytes,
    packetBytes: headerBytes + blockBytes,
    payloadKeyBytes,
    surbBytes: headerBytes + NODE_ID_BYTES + payloadKeyBytes,
    elementAt: VERSION_BYTES,
    routingAt,
    macAt,
    blockAt: headerBytes,
  }
}

/** The payload of a packet of this many bytes in all. */
export function payloadOfPacket(packetBytes: number, shape: Omit<Shape, 'payloadBytes'>): number {
  return packetBytes - geometryOf({ ...shape, payloadBytes: 0 }).packetBytes
}
