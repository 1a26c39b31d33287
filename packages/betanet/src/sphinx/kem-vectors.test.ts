import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, fromHex, toHex } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { buildTracedPacket, newSurb, openSurbReply, packetFromSurb, type PathHop, suites, unwrap } from './index.ts'

/** Packets that vectors/generate.ts made without this engine; see vectors/README.md. */
interface KemVector {
  readonly suite: string
  readonly kind: 'forward' | 'reply'
  readonly epochParity: 0 | 1
  readonly path: readonly {
    readonly id: string
    readonly privateKey: string
    readonly publicKey: string
    readonly ephemeralSecret: string
    readonly delayClass?: number
    readonly replayTag: string
    readonly delaySeed: string
  }[]
  readonly recipient: string
  readonly unusedSlots: string
  readonly lastSlotNoise: string
  readonly payload: string
  readonly packets: readonly string[]
  readonly surbId?: string
  readonly replierKey?: string
  readonly surb?: string
  readonly surbKeys?: string
}

const FILE = join(import.meta.dirname, '../../vectors/kem-x25519.json')
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as readonly KemVector[]
const cases = vectors.map((vector) => ({
  title: `${vector.suite}, ${vector.kind}, ${vector.path.length} hops`,
  vector,
}))

function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  assert(bytes, 'a vector is hex')
  return bytes
}

function suiteOf({ suite: name }: KemVector) {
  const suite = Object.values(suites).find((one) => one.name === name)
  assert(suite, 'a vector names a suite')
  return suite
}

function pathOf({ path, recipient }: KemVector): PathHop[] {
  return path.map(({ id, publicKey, delayClass }, i) => ({
    id: hex(id),
    publicKey: hex(publicKey),
    ...(delayClass === undefined ? {} : { delayClass }),
    ...(i === path.length - 1 ? { recipient: hex(recipient) } : {}),
  }))
}

/** The vector's chance, in the order in which the engine asks for it. */
function recorded(...pieces: readonly string[]): { bytes(length: number): Uint8Array } {
  const left = [...pieces]
  return {
    bytes: (length) => {
      const piece = hex(left.shift() ?? '')
      assert(piece.length === length, 'the engine asks for what was recorded')
      return piece
    },
  }
}

function chanceOf({ path, unusedSlots, lastSlotNoise, replierKey }: KemVector) {
  const scalars = path.map(({ ephemeralSecret }) => ephemeralSecret)
  return recorded(...scalars, unusedSlots, lastSlotNoise, ...(replierKey === undefined ? [] : [replierKey]))
}

/** The vector as our engine tells it, from its first packet on. */
function retold(vector: KemVector) {
  const suite = suiteOf(vector)
  const [packets, nextHops, tags, classes] = [[vector.packets[0]!], [] as string[], [] as string[], [] as number[]]
  for (const { privateKey } of vector.path) {
    const hop = unwrap(suite, hex(privateKey), hex(packets.at(-1)!))
    tags.push(toHex(hop.replayTag))
    classes.push(hop.delayClass)
    if (hop.kind !== 'forward') {
      const isReply = hop.kind === 'surb-reply'
      const payload = isReply ? openSurbReply(suite, hex(vector.surbKeys!), hop.payload) : hop.payload
      const surbId = isReply ? toHex(hop.surbId) : undefined
      const recipient = toHex(hop.recipient ?? new Uint8Array())
      return { packets, nextHops, tags, classes, recipient, surbId, payload: toHex(payload) }
    }
    packets.push(toHex(hop.packet))
    nextHops.push(toHex(hop.nextHop))
  }
  throw new Error('the path has no last hop')
}

describe('our own packets, made without the engine', () => {
  test.each(cases)('$title: unwrapped hop by hop', ({ vector }) => {
    const { path, packets, recipient, surbId, payload } = vector
    expect(retold(vector)).toEqual({
      packets,
      nextHops: path.slice(1).map(({ id }) => id),
      tags: path.map(({ replayTag }) => replayTag),
      classes: path.map(({ delayClass }) => delayClass ?? 0),
      recipient,
      surbId,
      payload,
    })
  })

  test.each(cases.filter(({ vector }) => vector.kind === 'forward'))('$title: built alike', ({ vector }) => {
    const { epochParity, payload } = vector
    const { packet, trace } = buildTracedPacket(suiteOf(vector), pathOf(vector), hex(payload), chanceOf(vector), {
      epochParity,
    })
    expect(toHex(packet)).toBe(vector.packets[0])
    const known = vector.path.map(({ replayTag, delaySeed }) => ({ replayTag, delaySeed }))
    expect(
      trace.map(({ replayTag, delaySeed }) => ({ replayTag: toHex(replayTag), delaySeed: toHex(delaySeed) })),
    ).toEqual(known)
  })

  test.each(cases.filter(({ vector }) => vector.kind === 'reply'))('$title: built alike', ({ vector }) => {
    const { epochParity, payload, surbId } = vector
    const suite = suiteOf(vector)
    const made = newSurb(suite, pathOf(vector), hex(surbId!), chanceOf(vector), { epochParity })
    expect(toHex(made.surb)).toBe(vector.surb)
    expect(toHex(made.keys)).toBe(vector.surbKeys)
    const { firstHop, packet } = packetFromSurb(suite, made.surb, hex(payload))
    expect(toHex(firstHop)).toBe(vector.path[0]!.id)
    expect(toHex(packet)).toBe(vector.packets[0])
  })
})
