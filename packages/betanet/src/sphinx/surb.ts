import { NODE_ID_BYTES } from './geometry.ts'
import { buildHeader, type HopTrace, type PacketOptions, traceOf } from './header.ts'
import { assemble, checkPayload, hasZeroTag } from './packet.ts'
import type { PathHop } from './path.ts'
import { SphinxError } from './sphinx-error.ts'
import type { RandomBytes, SphinxSuite } from './suite.ts'

/** A single-use reply block and what its owner keeps. */
export interface Surb {
  /** For the replier: a header, the first hop's id and a payload key. It does not tell how long the path is. */
  readonly surb: Uint8Array
  /** For the owner: one payload key a hop, from the last to the first, then the replier's. */
  readonly keys: Uint8Array
  readonly trace: readonly HopTrace[]
}

/** A reply block whose packets come back along the path. Its last hop learns the 16-byte id, by which the owner finds the keys. */
export function newSurb(
  suite: SphinxSuite,
  path: readonly PathHop[],
  surbId: Uint8Array,
  random: RandomBytes,
  options: PacketOptions = {},
): Surb {
  const { header, schedules } = buildHeader(suite, path, random, { ...options, surbId })
  const replierKey = random.bytes(suite.geometry.payloadKeyBytes)
  const hopKeys = schedules.toReversed().map(({ keys }) => keys.payload)
  const made: Surb = {
    surb: Uint8Array.from(Buffer.concat([header, path[0]!.id, replierKey])),
    keys: Uint8Array.from(Buffer.concat([...hopKeys, replierKey])),
    trace: traceOf(schedules),
  }
  for (const schedule of schedules) schedule.wipeSecrets()
  replierKey.fill(0)
  return made
}

/** A reply, to be handed to the node of this id. A mix node cannot tell it from any other packet. */
export function packetFromSurb(
  suite: SphinxSuite,
  surb: Uint8Array,
  payload: Uint8Array,
): { firstHop: Uint8Array; packet: Uint8Array } {
  checkPayload(suite, payload)
  const { headerBytes, surbBytes } = suite.geometry
  if (surb.length !== surbBytes || !suite.version.accepts(surb[0]!, surb[1]!)) throw invalid(suite, surb)
  const { packet, block } = assemble(suite, surb.subarray(0, headerBytes), payload)
  const keyAt = headerBytes + NODE_ID_BYTES
  const key = Buffer.from(surb.subarray(keyAt))
  suite.newWideBlock(block).encrypt(key)
  key.fill(0)
  return { firstHop: surb.slice(headerBytes, keyAt), packet: new Uint8Array(packet.buffer) }
}

/**
 * The payload of a reply, as the last hop handed it over. The keys are wiped whatever comes of it: a reply block works
 * once. Throws `sphinx.surb_used` for wiped keys and `sphinx.payload_broken` for a payload that was touched.
 */
export function openSurbReply(suite: SphinxSuite, keys: Uint8Array, payload: Uint8Array): Uint8Array {
  const { payloadKeyBytes, blockBytes, tagBytes, hops } = suite.geometry
  const count = keys.length / payloadKeyBytes
  if (!Number.isInteger(count) || count < 2 || count > hops + 1) throw invalid(suite, keys)
  if (payload.length !== blockBytes) throw new SphinxError({ code: 'sphinx.length_wrong', suite: suite.name })
  if (hasZeroTag(keys, keys.length)) throw new SphinxError({ code: 'sphinx.surb_used', suite: suite.name })
  const block = Buffer.from(payload)
  const wide = suite.newWideBlock(block)
  const own = Buffer.from(keys)
  const keyOf = (i: number) => own.subarray(i * payloadKeyBytes, (i + 1) * payloadKeyBytes)
  // Each hop decrypted once, the last of them last.
  for (let i = 0; i < count - 1; i++) wide.encrypt(keyOf(i))
  wide.decrypt(keyOf(count - 1))
  own.fill(0)
  keys.fill(0)
  if (!hasZeroTag(block, tagBytes)) throw new SphinxError({ code: 'sphinx.payload_broken', suite: suite.name })
  return Uint8Array.from(block.subarray(tagBytes))
}

function invalid({ name: suite }: SphinxSuite, { length: bytes }: Uint8Array): SphinxError {
  return new SphinxError({ code: 'sphinx.surb_invalid', suite, bytes })
}
