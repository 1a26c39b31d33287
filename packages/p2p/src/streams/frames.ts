import { assert, fromHex, toHex } from '@fog/kernel'

/**
 * What streams say to each other, one frame a message of the transport (`docs/betanet-streams.md`). Numbers are big-endian:
 *
 *     53 | kind | flags | session 8 | number u32 | body
 *
 *     data     01   [opened at u48] | offset u48 | limit u48 | bytes     flags: 01 opening, 02 end
 *     window   02   limit u48
 *     reset    03   code
 *
 * A session is what one side's multiplexer drew when it began; the number is the stream's in it, from 1 on.
 */
const PROTOCOL = 0x53
const KINDS = { data: 0x01, window: 0x02, reset: 0x03 } as const
const OPENING = 0x01
const END = 0x02

export const SESSION_BYTES = 8
const U48_BYTES = 6
const MOST_U48 = 2 ** 48 - 1
const MOST_NUMBER = 2 ** 32 - 1
const HEADER_BYTES = 3 + SESSION_BYTES + 4
/** What a data frame is longer than its bytes, at most. */
export const DATA_OVERHEAD_BYTES = HEADER_BYTES + 3 * U48_BYTES

/** Why a stream was broken off, as one end tells the other. */
export const RESET_CODES = {
  /** Whoever used the stream there wants no more of it. */
  cancelled: 1,
  /** Nobody takes streams there. */
  refused: 2,
  /** No room for another. */
  busy: 3,
  /** No such stream there: it ended, or the other end was started anew. */
  unknown: 4,
  /** What was sent breaks the rules. */
  violated: 5,
  /** Nothing happened on it for too long. */
  idle: 6,
  /** Opened before the other end can tell whether it was opened already. */
  stale: 7,
} as const
export type ResetReason = keyof typeof RESET_CODES

export interface StreamId {
  /** 16 hex digits. */
  readonly session: string
  readonly number: number
}

export interface DataFrame extends StreamId {
  readonly kind: 'data'
  /** Epoch milliseconds of the opener: in all of its frames until it has heard from the other end. */
  readonly openedAt: number | undefined
  /** Where in the stream the bytes stand. */
  readonly offset: number
  /** Up to where the sender of this frame takes bytes of the other. */
  readonly limit: number
  readonly bytes: Uint8Array
  /** Whether nothing follows on these bytes. */
  readonly isEnd: boolean
}

export type StreamFrame =
  | DataFrame
  | (StreamId & { readonly kind: 'window'; readonly limit: number })
  | (StreamId & { readonly kind: 'reset'; readonly reason: ResetReason })

export function encodeFrame(frame: StreamFrame): Uint8Array {
  switch (frame.kind) {
    case 'data':
      return encodeData(frame)
    case 'window': {
      const bytes = header(frame, 0, U48_BYTES)
      writeU48(bytes, HEADER_BYTES, frame.limit)
      return bytes
    }
    case 'reset': {
      const bytes = header(frame, 0, 1)
      bytes[HEADER_BYTES] = RESET_CODES[frame.reason]
      return bytes
    }
  }
}

/** Undefined when it is none. What it answers holds no view of the frame. */
export function parseFrame(frame: Uint8Array): StreamFrame | undefined {
  if (frame.length < HEADER_BYTES || frame[0] !== PROTOCOL) return undefined
  const [, kind, flags = 0] = frame
  const session = toHex(frame.subarray(3, 3 + SESSION_BYTES))
  const number = new DataView(frame.buffer, frame.byteOffset).getUint32(3 + SESSION_BYTES)
  if (number === 0) return undefined
  const id = { session, number }
  if (kind === KINDS.data) return parseData(id, flags, frame)
  if (flags !== 0) return undefined
  if (kind === KINDS.window && frame.length === HEADER_BYTES + U48_BYTES)
    return { kind: 'window', ...id, limit: readU48(frame, HEADER_BYTES) }
  if (kind !== KINDS.reset || frame.length !== HEADER_BYTES + 1) return undefined
  const reason = REASONS.get(frame[HEADER_BYTES]!)
  return reason && { kind: 'reset', ...id, reason }
}

const REASONS: ReadonlyMap<number, ResetReason> = new Map(
  Object.entries(RESET_CODES).map(([reason, code]) => [code, reason as ResetReason]),
)

function encodeData(frame: DataFrame): Uint8Array {
  const { openedAt, offset, limit, bytes: data, isEnd } = frame
  assert(data.length > 0 || isEnd || openedAt !== undefined, 'an empty frame has something else to say')
  const flags = (openedAt === undefined ? 0 : OPENING) | (isEnd ? END : 0)
  const openingBytes = openedAt === undefined ? 0 : U48_BYTES
  const bytes = header(frame, flags, openingBytes + 2 * U48_BYTES + data.length)
  if (openedAt !== undefined) writeU48(bytes, HEADER_BYTES, openedAt)
  const at = HEADER_BYTES + openingBytes
  writeU48(bytes, at, offset)
  writeU48(bytes, at + U48_BYTES, limit)
  bytes.set(data, at + 2 * U48_BYTES)
  return bytes
}

function parseData(id: StreamId, flags: number, frame: Uint8Array): DataFrame | undefined {
  if ((flags & ~(OPENING | END)) !== 0) return undefined
  const isOpening = (flags & OPENING) !== 0
  const at = HEADER_BYTES + (isOpening ? U48_BYTES : 0)
  const bodyAt = at + 2 * U48_BYTES
  if (frame.length < bodyAt) return undefined
  const isEnd = (flags & END) !== 0
  const bytes = frame.slice(bodyAt)
  const offset = readU48(frame, at)
  if ((bytes.length === 0 && !isEnd && !isOpening) || offset + bytes.length > MOST_U48) return undefined
  const openedAt = isOpening ? readU48(frame, HEADER_BYTES) : undefined
  return { kind: 'data', ...id, openedAt, offset, limit: readU48(frame, at + U48_BYTES), bytes, isEnd }
}

function header({ kind, session, number }: StreamFrame, flags: number, bodyBytes: number): Uint8Array {
  assert(number > 0 && number <= MOST_NUMBER, 'a stream has a number of 32 bits')
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes)
  bytes.set([PROTOCOL, KINDS[kind], flags])
  bytes.set(fromHex(session)!, 3)
  new DataView(bytes.buffer).setUint32(3 + SESSION_BYTES, number)
  return bytes
}

function writeU48(bytes: Uint8Array, at: number, value: number): void {
  assert(value >= 0 && value <= MOST_U48, 'a place in a stream has 48 bits')
  const view = new DataView(bytes.buffer)
  view.setUint16(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 2, value % 2 ** 32)
}

function readU48(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
}
