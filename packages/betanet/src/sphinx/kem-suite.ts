import { utf8 } from '@fog/kernel'
import {
  blake2bInto,
  chacha20Original,
  chacha20OriginalXor,
  CHACHA20_KEY_BYTES,
  CHACHA20_ORIGINAL_NONCE_BYTES,
} from '@fog/kernel/node'
import { geometryOf, KEY_BYTES, payloadOfPacket, type Shape } from './geometry.ts'
import { kemX25519 } from './key-exchange.ts'
import { Lioness, LIONESS_KEY_BYTES } from './lioness.ts'
import type { KeySchedule, SphinxSuite, VersionField } from './suite.ts'

const VERSION = 1
const MOST_PARITY = 1
const TAG_BYTES = 32
const SEED_BYTES = 32

const SHAPE = {
  hops: 5,
  elementInSlot: 'carried',
  payloadKeyBytes: LIONESS_KEY_BYTES,
} as const satisfies Partial<Shape>

/** Every key is used once, so the nonce can stay zero. */
const NONCE = Buffer.alloc(CHACHA20_ORIGINAL_NONCE_BYTES)

/** The second byte is the parity of the epoch whose keys the packet was made for; its other bits are zero. */
const version: VersionField = {
  write: (packet, epochParity) => {
    packet[0] = VERSION
    packet[1] = epochParity
  },
  accepts: (first, second) => first === VERSION && second <= MOST_PARITY,
}

/** 2,048 bytes of payload, 2,716 in all. */
export const betanetKemX25519 = kemSuite('betanet-kem-x25519', { ...SHAPE, payloadBytes: 2048 })

/** 1,200 bytes in all, so that a packet and its link's overhead fit into one datagram of IPv6's least MTU, 1,280. */
export const betanetKemX25519Small = kemSuite('betanet-kem-x25519-small', {
  ...SHAPE,
  payloadBytes: payloadOfPacket(1200, SHAPE),
})

function kemSuite(name: string, shape: Shape): SphinxSuite {
  return {
    name,
    geometry: geometryOf(shape),
    version,
    keyExchange: kemX25519,
    delays: 'class',
    newKeySchedule: () => newKeySchedule(name),
    mac: (out, message, key) => blake2bInto(out, message, key),
    stream: (out, message, key) => chacha20OriginalXor(out, message, NONCE, key),
    newWideBlock: (block) => new Lioness(block),
  }
}

/**
 * secret = BLAKE2b-256(dh | element | node key | suite name). All keys are disjoint slices of its one ChaCha20 stream:
 * MAC 32, header stream 32, payload 128, replay tag 32, delay seed 32.
 */
function newKeySchedule(label: string): KeySchedule {
  const input = Buffer.concat([Buffer.alloc(3 * KEY_BYTES), utf8(label)])
  const dh = input.subarray(0, KEY_BYTES)
  const secret = Buffer.alloc(CHACHA20_KEY_BYTES)
  const slices = [KEY_BYTES, CHACHA20_KEY_BYTES, LIONESS_KEY_BYTES, TAG_BYTES, SEED_BYTES]
  const bytes = Buffer.alloc(slices.reduce((sum, length) => sum + length))
  let end = 0
  const [mac, stream, payload, replayTag, delaySeed] = slices.map((length) => bytes.subarray(end, (end += length)))
  const secretBytes = bytes.length - TAG_BYTES - SEED_BYTES
  return {
    dh,
    element: input.subarray(KEY_BYTES, 2 * KEY_BYTES),
    nodeKey: input.subarray(2 * KEY_BYTES, 3 * KEY_BYTES),
    keys: {
      mac: mac!,
      stream: stream!,
      payload: payload!,
      blinding: Buffer.alloc(0),
      replayTag: replayTag!,
      delaySeed: delaySeed!,
    },
    derive: () => {
      blake2bInto(secret, input)
      chacha20Original(bytes, NONCE, secret)
      secret.fill(0)
      dh.fill(0)
    },
    wipeSecrets: () => void bytes.fill(0, 0, secretBytes),
  }
}
