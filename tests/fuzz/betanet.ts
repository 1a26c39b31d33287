import {
  encodeAck,
  encodeFragment,
  FRAME_HEAD_BYTES,
  FrameReader,
  LinkError,
  LinkSession,
  parseAck,
  parseFragment,
  Reassembler,
  splitMessage,
} from '@fog/betanet'
import {
  buildPacket,
  geometry,
  HopUnwrapper,
  newSurb,
  openSurbReply,
  packetFromSurb,
  SphinxError,
  type SphinxSuite,
  suites,
  unwrap,
} from '@fog/betanet/sphinx'
import { assert, concat, type DhKeyPair, equalBytes, ManualClock, NoiseError, seededRng } from '@fog/kernel'
import { noiseSuite } from '@fog/kernel/node'
import type { FuzzTarget } from './target.ts'

const suite = suites.betanetKemX25519Small
const rng = seededRng(1)
const privateKey = rng.bytes(32)
const hop = { id: rng.bytes(32), publicKey: new HopUnwrapper(suite, privateKey).publicKey, delayClass: 1 }
const last = { ...hop, recipient: rng.bytes(32) }
const corpus = (name: string) => `packages/betanet/corpus/${name}`

/** Whatever the bytes are, a hop does one of four things with them. */
export const sphinxPacket: FuzzTarget = {
  corpus: corpus('sphinx-packet'),
  seeds: () => {
    const { surb } = newSurb(suite, [last], rng.bytes(16), rng)
    return [
      buildPacket(suite, [hop, last], new Uint8Array(3), rng),
      buildPacket(suite, [last], new Uint8Array(3), rng, { epochParity: 1 }),
      packetFromSurb(suite, surb, new Uint8Array(3)).packet,
    ]
  },
  run: (input) => {
    const got = orRefusal(() => unwrap(suite, privateKey, input))
    assert(got?.kind !== 'forward' || got.packet.length === input.length, 'a packet keeps its size')
  },
}

/** The bytes as a genuine header's first slot: what a sender can do who follows the format as far as it suits him. */
export const sphinxSlot: FuzzTarget = slotTarget('sphinx-slot', suite)
export const katzenpostSlot: FuzzTarget = slotTarget('katzenpost-slot', suites.katzenpostX25519)

function slotTarget(name: string, of: SphinxSuite): FuzzTarget {
  const sizes = geometry(of)
  const delay = of.delays === 'class' ? [0x81, 7] : [0x80, 0, 0, 1, 0]
  return {
    corpus: corpus(name),
    seeds: () => [
      Uint8Array.from([...delay, 1, ...new Uint8Array(64).fill(5)]),
      Uint8Array.from([2, ...new Uint8Array(32).fill(6)]),
      Uint8Array.from([2, ...new Uint8Array(32).fill(6), 3, ...new Uint8Array(16).fill(7)]),
    ],
    run: (input) => {
      const slab = Buffer.from(withSlot(of, input))
      const node = new HopUnwrapper(of, privateKey)
      const kind = node.unwrap(slab, 0)
      const expected = new Set(['commands_invalid', 'payload_broken', 'point_refused', undefined])
      assert(expected.has(node.dropReason), 'the header itself is genuine')
      assert((kind === 'dropped') === (node.dropReason !== undefined), 'a drop has a reason')
      assert(slab.length === sizes.packetBytes, 'a packet keeps its size')
    },
  }
}

function withSlot(of: SphinxSuite, slot: Uint8Array): Uint8Array {
  const sizes = geometry(of)
  const schedule = of.newKeySchedule()
  schedule.nodeKey.set(new HopUnwrapper(of, privateKey).publicKey)
  assert(of.keyExchange.begin([schedule], seededRng(2)), 'the key is honest')
  const packet = Buffer.alloc(sizes.packetBytes)
  of.version.write(packet, 0)
  packet.set(schedule.element, sizes.elementAt)
  const routing = packet.subarray(sizes.routingAt, sizes.macAt)
  routing.set(slot.subarray(0, sizes.slotBytes))
  of.stream(routing, routing, schedule.keys.stream)
  of.mac(packet.subarray(sizes.macAt, sizes.blockAt), packet.subarray(0, sizes.macAt), schedule.keys.mac)
  // A payload that is whole, so that delivery is reached too.
  of.newWideBlock(packet.subarray(sizes.blockAt)).encrypt(schedule.keys.payload)
  return packet
}

/** Reply blocks and their keys come from strangers and from disk. */
export const sphinxSurb: FuzzTarget = {
  corpus: corpus('sphinx-surb'),
  seeds: () => {
    const { surb, keys } = newSurb(suite, [hop, last], rng.bytes(16), rng)
    const { blockBytes } = geometry(suite)
    return [concat(Uint8Array.of(0), surb), concat(Uint8Array.of(1), rng.bytes(blockBytes), keys)]
  },
  run: (input) => {
    const { blockBytes, packetBytes } = geometry(suite)
    const body = input.subarray(1)
    const built = input[0] === 0 ? orRefusal(() => packetFromSurb(suite, body, new Uint8Array(1))) : undefined
    assert(!built || built.packet.length === packetBytes, 'a reply is as long as any packet')
    orRefusal(() => openSurbReply(suite, body.slice(blockBytes), body.subarray(0, blockBytes)))
  },
}

/** What parses encodes to the same bytes. */
export const fragment: FuzzTarget = {
  corpus: corpus('fragment'),
  seeds: () => [
    ...splitMessage(new Uint8Array(16).fill(1), new Uint8Array(70).fill(2), 60),
    encodeAck({ messageId: new Uint8Array(16).fill(1), count: 20, bitmap: Uint8Array.of(255, 1, 8) }),
  ],
  run: (input) => {
    const one = parseFragment(input)
    assert(!one || equalBytes(concat(encodeFragment(one), one.rest), input), 'a fragment has one encoding')
    const ack = parseAck(input)
    assert(!ack || equalBytes(encodeAck(ack), input.subarray(0, encodeAck(ack).length)), 'an ack has one encoding')
  },
}

const MOST_BYTES = 4000
const PAYLOAD_BYTES = 60

/** The bytes as payloads of 60 bytes each, with a while between them as long as their last byte says. */
export const reassembler: FuzzTarget = {
  corpus: corpus('reassembler'),
  seeds: () => [concat(...[70, 0, 200].map((length, i) => payloadsOf(i, new Uint8Array(length).fill(9))))],
  run: (input) => {
    const clock = new ManualClock()
    const limits = { mostMessageBytes: 1000, mostMessages: 3, mostBytes: MOST_BYTES, mostFinished: 3, lifetimeMs: 200 }
    const inbox = new Reassembler({ clock }, limits)
    for (let at = 0; at < input.length; at += PAYLOAD_BYTES) {
      const payload = input.subarray(at, at + PAYLOAD_BYTES)
      const parsed = parseFragment(payload)
      const arrival = parsed && inbox.accept(parsed)
      assert(arrival?.status !== 'complete' || arrival.message.length <= 1000, 'no message is longer than allowed')
      const { unfinished, bytes } = inbox.stats
      assert(unfinished <= 3 && bytes <= MOST_BYTES, 'memory is bounded')
      clock.advance(payload.at(-1) ?? 0)
    }
    clock.advance(200)
    inbox.forgetExpired()
    assert(inbox.stats.bytes === 0, 'nothing is kept for ever')
  },
}

function payloadsOf(id: number, message: Uint8Array): Uint8Array {
  const fragments = splitMessage(new Uint8Array(16).fill(id), message, PAYLOAD_BYTES - 1)
  return concat(...fragments.map((bytes) => concat(bytes, new Uint8Array(PAYLOAD_BYTES - bytes.length))))
}

/** The bytes as a stream that comes in pieces: every byte is in a frame, waits, or ends the link. */
export const linkFrames: FuzzTarget = {
  corpus: corpus('link-frames'),
  seeds: () => [
    concat(...[16, 40, 17].map((length) => Uint8Array.from([0, length, ...new Uint8Array(length).fill(3)]))),
  ],
  run: (input) => {
    const reader = new FrameReader()
    const step = 1 + ((input[0] ?? 0) % 7) * 5
    let read = 0
    try {
      for (let at = 1; at < input.length; at += step) {
        reader.push(input.subarray(at, at + step))
        for (let body = reader.next(); body; body = reader.next()) read += 2 + body.length
        assert(read + reader.buffered === Math.min(at + step, input.length) - 1, 'no byte is lost')
      }
    } catch (error) {
      if (!(error instanceof LinkError)) throw error
    }
  },
}

const LINK_KEYS = keyPairs(filledSecret(1), filledSecret(2))

/** A stranger's first word to a node: it is answered, or the link ends. */
export const linkHandshake: FuzzTarget = {
  corpus: corpus('link-handshake'),
  seeds: () => {
    const initiator = new LinkSession(noiseSuite(), { own: LINK_KEYS[0]!, remote: LINK_KEYS[1]!.publicKey })
    return [initiator.begin().slice(FRAME_HEAD_BYTES)]
  },
  run: (input) => {
    const responder = new LinkSession(noiseSuite(), { own: LINK_KEYS[1]! })
    try {
      responder.shake(input)
      // What was said once is not the next thing to say.
      responder.shake(input)
    } catch (error) {
      if (!(error instanceof LinkError) && !(error instanceof NoiseError)) throw error
    }
    assert(!responder.isOpen, 'nobody gets in by saying the same twice')
  },
}

function keyPairs(...secrets: readonly Uint8Array[]): DhKeyPair[] {
  return secrets.map((secretKey) => ({ secretKey, publicKey: noiseSuite().publicKeyOf(secretKey) }))
}

function filledSecret(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}

function orRefusal<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof SphinxError) return undefined
    throw error
  }
}
