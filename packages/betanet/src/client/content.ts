import { assert, concat, type Instant } from '@fog/kernel'
import { type Fragment, MESSAGE_ID_BYTES, parseFragment } from '../fragment.ts'
import type { SphinxSuite } from '../sphinx/index.ts'

/**
 * What stands in a sealed payload, big-endian; zeros fill it up:
 *
 *     sent at u64 | fragment, as fragment.ts has it | SURB or nothing
 *     sent at u64 | 03 | message id 16 | count u16 | SURB        asks what arrived of a message
 *     sent at u64 | 04 | loop id 16                              a loop, to its own sender
 *
 * `sent at`, epoch milliseconds, is when the message was handed in, and the same in each of its packets however often they are
 * sent: so a recipient need not remember for ever what it had.
 */
const SENT_AT_BYTES = 8
const ASK = 0x03
const LOOP = 0x04
const KIND_BYTES = 1
const COUNT_BYTES = 2
export const LOOP_ID_BYTES = 16

export type Content =
  | {
      readonly kind: 'fragment'
      readonly sentAt: Instant
      readonly fragment: Fragment
      readonly surb: Uint8Array | undefined
    }
  | {
      readonly kind: 'ask'
      readonly sentAt: Instant
      readonly messageId: Uint8Array
      readonly count: number
      readonly surb: Uint8Array
    }
  | { readonly kind: 'loop'; readonly sentAt: Instant; readonly loopId: Uint8Array }

/** Most bytes of an encoded fragment in a content of this many, and of one that leaves room for a SURB. */
export function fragmentRoom(contentBytes: number, surbBytes = 0): number {
  return contentBytes - SENT_AT_BYTES - surbBytes
}

/** `fragment` is encoded already. */
export function encodeFragmentContent(sentAt: Instant, fragment: Uint8Array, surb?: Uint8Array): Uint8Array {
  return concat(uint64(sentAt), fragment, surb ?? new Uint8Array(0))
}

export function encodeAsk(
  sentAt: Instant,
  { messageId, count, surb }: { readonly messageId: Uint8Array; readonly count: number; readonly surb: Uint8Array },
): Uint8Array {
  assert(messageId.length === MESSAGE_ID_BYTES, 'a message id has 16 bytes')
  return concat(uint64(sentAt), Uint8Array.of(ASK), messageId, Uint8Array.of(count >>> 8, count & 255), surb)
}

export function encodeLoop(sentAt: Instant, loopId: Uint8Array): Uint8Array {
  assert(loopId.length === LOOP_ID_BYTES, 'a loop id has 16 bytes')
  return concat(uint64(sentAt), Uint8Array.of(LOOP), loopId)
}

/** Undefined when it is none. What it answers are views of the content. */
export function parseContent(suite: SphinxSuite, content: Uint8Array): Content | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  if (content.length <= SENT_AT_BYTES) return undefined
  const sentAt = Number(view.getBigUint64(0))
  const body = content.subarray(SENT_AT_BYTES)
  if (!Number.isSafeInteger(sentAt)) return undefined
  if (body[0] === ASK) return parseAsk(suite, sentAt, body)
  if (body[0] === LOOP) return parseLoop(sentAt, body)
  const fragment = parseFragment(body)
  return fragment && { kind: 'fragment', sentAt, fragment, surb: findSurb(suite, fragment.rest) }
}

function parseAsk(suite: SphinxSuite, sentAt: Instant, body: Uint8Array): Content | undefined {
  const head = KIND_BYTES + MESSAGE_ID_BYTES + COUNT_BYTES
  const surb = findSurb(suite, body.subarray(head))
  if (!surb) return undefined
  const count = (body[head - 2]! << 8) | body[head - 1]!
  return { kind: 'ask', sentAt, messageId: body.subarray(KIND_BYTES, head - COUNT_BYTES), count, surb }
}

function parseLoop(sentAt: Instant, body: Uint8Array): Content | undefined {
  const loopId = body.subarray(KIND_BYTES, KIND_BYTES + LOOP_ID_BYTES)
  return loopId.length === LOOP_ID_BYTES ? { kind: 'loop', sentAt, loopId } : undefined
}

/** A SURB begins with a packet's version, which no filling zero is. */
function findSurb({ geometry, version }: SphinxSuite, rest: Uint8Array): Uint8Array | undefined {
  if (rest.length < geometry.surbBytes || !version.accepts(rest[0]!, rest[1]!)) return undefined
  return rest.subarray(0, geometry.surbBytes)
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(SENT_AT_BYTES)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.floor(value)))
  return bytes
}
