import { encodeCommands } from './commands.ts'
import { checkPath, type PathHop } from './path.ts'
import { SphinxError } from './sphinx-error.ts'
import type { EpochParity, KeySchedule, RandomBytes, SphinxSuite } from './suite.ts'

export interface PacketOptions {
  /** Of the epoch whose keys the path names. 0 when left out. */
  readonly epochParity?: EpochParity
}

/** What only the sender and one hop know: how the hop recognises a replay, and what it draws its delay from. */
export interface HopTrace {
  readonly replayTag: Uint8Array
  readonly delaySeed: Uint8Array
}

export interface BuiltHeader {
  readonly header: Buffer
  /** Of each hop. Wipe them when the payload is done. */
  readonly schedules: readonly KeySchedule[]
}

/** A header for this path (Danezis and Goldberg, "Sphinx", 2009, section 3.2), its slots filled from the last hop to the first. */
export function buildHeader(
  suite: SphinxSuite,
  path: readonly PathHop[],
  random: RandomBytes,
  { epochParity = 0, surbId }: PacketOptions & { readonly surbId?: Uint8Array } = {},
): BuiltHeader {
  checkPath(suite, path, surbId)
  const { geometry } = suite
  const schedules = agreeWithAll(suite, path, random)
  const streams = schedules.map(({ keys }) => streamOf(suite, keys.stream))
  const fillers = fillersOf(suite, streams)
  const header = Buffer.alloc(geometry.headerBytes)
  const mac = Buffer.alloc(geometry.macBytes)
  // Slots that the path does not use are random, so that the last hop cannot count the hops before it.
  let routing = Buffer.from(random.bytes((geometry.hops - path.length) * geometry.slotBytes))
  for (let i = path.length - 1; i >= 0; i--) {
    const { element, keys } = schedules[i]!
    const next = path[i + 1] && { id: path[i + 1]!.id, mac: Buffer.from(mac) }
    const { delayMs, delayClass, recipient } = path[i]!
    const commands = encodeCommands({ delayMs, delayClass, recipient, next, surbId: next ? undefined : surbId })
    const slot = Buffer.alloc(geometry.slotBytes)
    slot.set(commands)
    slot.set(carriedElement(suite, schedules[i + 1], random), geometry.commandBytes)
    routing = Buffer.concat([slot, routing])
    xorInto(routing, streams[i]!)
    suite.version.write(header, epochParity)
    header.set(element, geometry.elementAt)
    // What the hop will see: this much routing, then the zeros that the hops before it appended and encrypted.
    header.set(routing, geometry.routingAt)
    header.set(fillers[i]!, geometry.routingAt + routing.length)
    suite.mac(mac, header.subarray(0, geometry.macAt), keys.mac)
  }
  header.set(mac, geometry.macAt)
  for (const secret of [...streams, ...fillers]) secret.fill(0)
  return { header, schedules }
}

export function traceOf(schedules: readonly KeySchedule[]): HopTrace[] {
  return schedules.map(({ keys }) => ({
    replayTag: Uint8Array.from(keys.replayTag),
    delaySeed: Uint8Array.from(keys.delaySeed),
  }))
}

function agreeWithAll(suite: SphinxSuite, path: readonly PathHop[], random: RandomBytes): KeySchedule[] {
  const schedules = path.map(({ publicKey }) => {
    const schedule = suite.newKeySchedule()
    schedule.nodeKey.set(publicKey)
    return schedule
  })
  if (!suite.keyExchange.begin(schedules, random)) {
    throw new SphinxError({ code: 'sphinx.path_invalid', suite: suite.name, reason: 'a node’s key is no honest point' })
  }
  return schedules
}

/** The element of the next hop, where slots carry it; the last slot carries noise. */
function carriedElement({ geometry }: SphinxSuite, next: KeySchedule | undefined, random: RandomBytes): Uint8Array {
  const bytes = geometry.slotBytes - geometry.commandBytes
  return next && bytes > 0 ? next.element : random.bytes(bytes)
}

/** The stream over the routing block and the zeros that a hop appends to it. */
function streamOf(suite: SphinxSuite, key: Buffer): Buffer {
  const { routingBytes, slotBytes } = suite.geometry
  const stream = Buffer.alloc(routingBytes + slotBytes)
  suite.stream(stream, Buffer.alloc(stream.length), key)
  return stream
}

/** What stands at the end of the routing block when hop i gets it: i slots of zeros under the streams of hops 0 to i - 1. */
function fillersOf({ geometry }: SphinxSuite, streams: readonly Buffer[]): Buffer[] {
  const fillers = [Buffer.alloc(0)]
  for (const [i, stream] of streams.entries()) {
    const filler = Buffer.from(stream.subarray(stream.length - (i + 1) * geometry.slotBytes))
    xorInto(filler, fillers[i]!)
    fillers.push(filler)
  }
  return fillers
}

/** `target` ^= `other`, as far as the shorter goes. */
function xorInto(target: Buffer, other: Buffer): void {
  const length = Math.min(target.length, other.length)
  for (let i = 0; i < length; i++) target[i]! ^= other[i]!
}
