import { utf8 } from '@fog/kernel'
import {
  aes256Ctr,
  chacha20Original,
  CHACHA20_ORIGINAL_NONCE_BYTES,
  hkdfExpandSha256,
  hmacSha256,
  sha512Half,
} from '@fog/kernel/node'
import { aezDecipher, aezEncipher } from '@fog/kernel/node/aez'
import { geometryOf, KEY_BYTES } from './geometry.ts'
import { nikeX25519 } from './key-exchange.ts'
import type { KeySchedule, SphinxSuite, VersionField, WideBlock } from './suite.ts'

/** The information string of Katzenpost's key derivation. */
const KDF_INFO = utf8('katzenpost-kdf-v0-hkdf-sha256')
const IV_BYTES = 16
const AEZ_KEY_BYTES = 48
const TAG_BYTES = 32
const NONCE = Buffer.alloc(CHACHA20_ORIGINAL_NONCE_BYTES)

/** The two bytes that every packet starts with. */
const version: VersionField = {
  write: (packet) => void packet.fill(0, 0, 2),
  accepts: (first, second) => first === 0 && second === 0,
}

/**
 * Katzenpost's Sphinx (core/sphinx) with X25519, five hops and the payload size of its published vectors, byte for byte.
 * It holds the engine to packets that others made; it is slow, and never what we send ourselves.
 */
export const katzenpostX25519: SphinxSuite = {
  name: 'katzenpost-x25519',
  geometry: geometryOf({
    hops: 5,
    elementInSlot: 'computed',
    payloadBytes: 103,
    payloadKeyBytes: AEZ_KEY_BYTES + IV_BYTES,
  }),
  version,
  keyExchange: nikeX25519,
  delays: 'milliseconds',
  newKeySchedule,
  mac: (out, message, key) => out.set(hmacSha256(key, message)),
  stream: (out, message, key) => out.set(aes256Ctr(message, key.subarray(0, KEY_BYTES), key.subarray(KEY_BYTES))),
  newWideBlock,
}

/** 48 bytes of key and a 16-byte nonce, which is the header's, since key and cipher are others. */
function newWideBlock(block: Buffer): WideBlock {
  const parts = (key: Buffer) => [key.subarray(0, AEZ_KEY_BYTES), key.subarray(AEZ_KEY_BYTES)] as const
  return {
    encrypt: (key) => block.set(aezEncipher(...parts(key), block)),
    decrypt: (key) => block.set(aezDecipher(...parts(key), block)),
  }
}

/** HKDF-Expand of the shared secret: MAC 32, header stream 32 and its IV 16, payload 48, seed of the blinding scalar 32. */
function newKeySchedule(): KeySchedule {
  const [dh, element, nodeKey] = [Buffer.alloc(KEY_BYTES), Buffer.alloc(KEY_BYTES), Buffer.alloc(KEY_BYTES)]
  const mac = Buffer.alloc(KEY_BYTES)
  const stream = Buffer.alloc(KEY_BYTES + IV_BYTES)
  const payload = Buffer.alloc(AEZ_KEY_BYTES + IV_BYTES)
  const blinding = Buffer.alloc(KEY_BYTES)
  const replayTag = Buffer.alloc(TAG_BYTES)
  return {
    dh,
    element,
    nodeKey,
    keys: { mac, stream, payload, blinding, replayTag, delaySeed: Buffer.alloc(0) },
    derive: () => {
      const lengths = [KEY_BYTES, KEY_BYTES, IV_BYTES, AEZ_KEY_BYTES, KEY_BYTES]
      const material = hkdfExpandSha256(
        dh,
        KDF_INFO,
        lengths.reduce((sum, length) => sum + length),
      )
      let end = 0
      const [macKey, streamKey, iv, aezKey, seed] = lengths.map((length) => material.subarray(end, (end += length)))
      mac.set(macKey!)
      stream.set(streamKey!)
      stream.set(iv!, KEY_BYTES)
      payload.set(aezKey!)
      payload.set(iv!, AEZ_KEY_BYTES)
      chacha20Original(blinding, NONCE, Buffer.from(seed!))
      replayTag.set(sha512Half(element))
      material.fill(0)
      dh.fill(0)
    },
    wipeSecrets: () => {
      for (const secret of [mac, stream, payload, blinding]) secret.fill(0)
    },
  }
}
