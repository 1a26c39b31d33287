import { buildHeader, type HopTrace, type PacketOptions, traceOf } from './header.ts'
import type { PathHop } from './path.ts'
import { SphinxError } from './sphinx-error.ts'
import type { RandomBytes, SphinxSuite } from './suite.ts'

export interface TracedPacket {
  readonly packet: Uint8Array
  /** Of each hop, in order: for probes that know what a node must do with them. */
  readonly trace: readonly HopTrace[]
}

/** A packet that takes the payload along the path. A payload shorter than the suite's is filled up with zeros. */
export function buildPacket(
  suite: SphinxSuite,
  path: readonly PathHop[],
  payload: Uint8Array,
  random: RandomBytes,
  options: PacketOptions = {},
): Uint8Array {
  return buildTracedPacket(suite, path, payload, random, options).packet
}

/** The same, with what its hops will know it by. */
export function buildTracedPacket(
  suite: SphinxSuite,
  path: readonly PathHop[],
  payload: Uint8Array,
  random: RandomBytes,
  options: PacketOptions = {},
): TracedPacket {
  checkPayload(suite, payload)
  const { header, schedules } = buildHeader(suite, path, random, options)
  const { packet, block } = assemble(suite, header, payload)
  const wide = suite.newWideBlock(block)
  for (const { keys } of schedules.toReversed()) wide.encrypt(keys.payload)
  const trace = traceOf(schedules)
  for (const schedule of schedules) schedule.wipeSecrets()
  return { packet: new Uint8Array(packet.buffer), trace }
}

/** Header, tag and payload in one buffer of their own, and the part of it that is to be encrypted. */
export function assemble(
  { geometry }: SphinxSuite,
  header: Uint8Array,
  payload: Uint8Array,
): { packet: Buffer<ArrayBuffer>; block: Buffer } {
  const packet = Buffer.from(new ArrayBuffer(geometry.packetBytes))
  packet.set(header)
  const block = packet.subarray(geometry.blockAt)
  block.set(payload, geometry.tagBytes)
  return { packet, block }
}

export function checkPayload({ name: suite, geometry }: SphinxSuite, payload: Uint8Array): void {
  const mostBytes = geometry.payloadBytes
  if (payload.length > mostBytes) {
    throw new SphinxError({ code: 'sphinx.payload_too_long', suite, bytes: payload.length, mostBytes })
  }
}

/** Whether nobody touched the payload: its tag is all zero, found without stopping early. */
export function hasZeroTag(block: Uint8Array, tagBytes: number): boolean {
  let any = 0
  for (let i = 0; i < tagBytes; i++) any |= block[i]!
  return any === 0
}
