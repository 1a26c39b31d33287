import { assert } from '@fog/kernel'

/**
 * Messages longer than a packet, and word of what arrived. Inside a payload, big-endian:
 *
 *     fragment   01 | message id 16 | index u16 | count u16 | length u16 | data | rest
 *     ack        02 | message id 16 | count u16 | bitmap, fragment 0 in the lowest bit of the first byte | rest
 *
 * All fragments of a message but the last are of one length, and none but an empty message's is empty. What stands in `rest`
 * (a reply block, or the zeros that fill a packet) is no part of either.
 */
const FRAGMENT = 0x01
const ACK = 0x02

export const MESSAGE_ID_BYTES = 16
const KIND_BYTES = 1
const U16_BYTES = 2
const FRAGMENT_HEADER_BYTES = KIND_BYTES + MESSAGE_ID_BYTES + 3 * U16_BYTES
const ACK_HEADER_BYTES = KIND_BYTES + MESSAGE_ID_BYTES + U16_BYTES

/** So that an acknowledgement fits into the smallest packet: 512 bytes of bitmap. */
export const MOST_FRAGMENTS = 4096
const MOST_DATA_BYTES = 2 ** 16 - 1

export interface Fragment {
  readonly messageId: Uint8Array
  readonly index: number
  readonly count: number
  /** A view of the payload, like `rest`. */
  readonly data: Uint8Array
  readonly rest: Uint8Array
}

/** Which fragments of a message arrived. */
export interface Ack {
  readonly messageId: Uint8Array
  readonly count: number
  /** One bit a fragment, in as many bytes as that takes. */
  readonly bitmap: Uint8Array
}

/** How long a message can be when each fragment, with its header, has this many bytes. */
export function mostMessageBytes(fragmentBytes: number): number {
  return MOST_FRAGMENTS * dataBytes(fragmentBytes)
}

/** The message in fragments of at most this many bytes each. It must not be longer than `mostMessageBytes`. */
export function splitMessage(messageId: Uint8Array, message: Uint8Array, fragmentBytes: number): Uint8Array[] {
  const step = dataBytes(fragmentBytes)
  const count = Math.max(1, Math.ceil(message.length / step))
  assert(count <= MOST_FRAGMENTS, 'a message has at most as many fragments as an acknowledgement can name')
  return Array.from({ length: count }, (_, index) =>
    encodeFragment({ messageId, index, count, data: message.subarray(index * step, (index + 1) * step) }),
  )
}

export function encodeFragment({ messageId, index, count, data }: Omit<Fragment, 'rest'>): Uint8Array {
  assert(messageId.length === MESSAGE_ID_BYTES, 'a message id has 16 bytes')
  const bytes = new Uint8Array(FRAGMENT_HEADER_BYTES + data.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = FRAGMENT
  bytes.set(messageId, KIND_BYTES)
  const at = KIND_BYTES + MESSAGE_ID_BYTES
  view.setUint16(at, index)
  view.setUint16(at + U16_BYTES, count)
  view.setUint16(at + 2 * U16_BYTES, data.length)
  bytes.set(data, FRAGMENT_HEADER_BYTES)
  return bytes
}

/** The fragment at the payload's start; undefined when there is none. */
export function parseFragment(payload: Uint8Array): Fragment | undefined {
  if (payload.length < FRAGMENT_HEADER_BYTES || payload[0] !== FRAGMENT) return undefined
  const view = viewOf(payload)
  const at = KIND_BYTES + MESSAGE_ID_BYTES
  const index = view.getUint16(at)
  const count = view.getUint16(at + U16_BYTES)
  const end = FRAGMENT_HEADER_BYTES + view.getUint16(at + 2 * U16_BYTES)
  if (count < 1 || count > MOST_FRAGMENTS || index >= count || end > payload.length) return undefined
  if (end === FRAGMENT_HEADER_BYTES && count > 1) return undefined
  return {
    messageId: payload.subarray(KIND_BYTES, at),
    index,
    count,
    data: payload.subarray(FRAGMENT_HEADER_BYTES, end),
    rest: payload.subarray(end),
  }
}

export function encodeAck({ messageId, count, bitmap }: Ack): Uint8Array {
  assert(messageId.length === MESSAGE_ID_BYTES, 'a message id has 16 bytes')
  assert(bitmap.length === bitmapBytes(count), 'a bitmap has one bit a fragment')
  const bytes = new Uint8Array(ACK_HEADER_BYTES + bitmap.length)
  bytes[0] = ACK
  bytes.set(messageId, KIND_BYTES)
  viewOf(bytes).setUint16(KIND_BYTES + MESSAGE_ID_BYTES, count)
  bytes.set(bitmap, ACK_HEADER_BYTES)
  return bytes
}

/** The acknowledgement at the payload's start; undefined when there is none. */
export function parseAck(payload: Uint8Array): Ack | undefined {
  if (payload.length < ACK_HEADER_BYTES || payload[0] !== ACK) return undefined
  const count = viewOf(payload).getUint16(KIND_BYTES + MESSAGE_ID_BYTES)
  const end = ACK_HEADER_BYTES + bitmapBytes(count)
  if (count < 1 || count > MOST_FRAGMENTS || end > payload.length) return undefined
  const bitmap = payload.subarray(ACK_HEADER_BYTES, end)
  // Bits of fragments that do not exist are zero: there is one encoding of each acknowledgement.
  if (count % 8 !== 0 && bitmap.at(-1)! >> (count % 8) !== 0) return undefined
  return { messageId: payload.subarray(KIND_BYTES, KIND_BYTES + MESSAGE_ID_BYTES), count, bitmap }
}

export function bitmapBytes(count: number): number {
  return Math.ceil(count / 8)
}

export function hasArrived({ bitmap }: Pick<Ack, 'bitmap'>, index: number): boolean {
  return (((bitmap[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
}

/** The fragments to send again. */
export function missingOf(ack: Ack): number[] {
  return Array.from({ length: ack.count }, (_, index) => index).filter((index) => !hasArrived(ack, index))
}

/** How much of a message is in a fragment of so many bytes. */
export function dataBytes(fragmentBytes: number): number {
  const bytes = Math.min(fragmentBytes - FRAGMENT_HEADER_BYTES, MOST_DATA_BYTES)
  assert(bytes >= 1, 'a fragment has room for some of the message')
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
