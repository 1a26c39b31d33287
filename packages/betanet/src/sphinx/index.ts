import type { Geometry } from './geometry.ts'
import { katzenpostX25519 } from './katzenpost-suite.ts'
import { betanetKemX25519, betanetKemX25519Small } from './kem-suite.ts'
import type { SphinxSuite } from './suite.ts'

export { HopCommands, type HopKind } from './commands.ts'
export { type Geometry, KEY_BYTES, NODE_ID_BYTES, RECIPIENT_BYTES, SURB_ID_BYTES } from './geometry.ts'
export type { HopTrace, PacketOptions } from './header.ts'
export { HopUnwrapper, type HopOutcome } from './hop-unwrapper.ts'
export { buildPacket, buildTracedPacket, type TracedPacket } from './packet.ts'
export type { PathHop } from './path.ts'
export { PendingReplies, type PendingRepliesOptions } from './pending-replies.ts'
export { type DropReason, SphinxError, type SphinxFacts } from './sphinx-error.ts'
export type { EpochParity, RandomBytes, SphinxSuite } from './suite.ts'
export { newSurb, openSurbReply, packetFromSurb, type Surb } from './surb.ts'
export { type Delivery, type Forward, type SurbReply, unwrap, type Unwrapped } from './unwrap.ts'

/** The formats there are. */
export const suites = { betanetKemX25519, betanetKemX25519Small, katzenpostX25519 } as const

/** All sizes of a suite's packets, in bytes. */
export function geometry(suite: SphinxSuite): Geometry {
  return suite.geometry
}
