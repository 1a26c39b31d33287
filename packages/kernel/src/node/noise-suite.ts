import { createHash, createHmac } from 'node:crypto'
import sodium from 'sodium-native'
import { DH_BYTES, type DhKeyPair, type NoiseSuite } from '../noise/index.ts'
import { wipe } from './crypto.ts'

/** The hash functions of the Noise specification, section 12, as OpenSSL names them. */
const HASHES = {
  SHA256: ['sha256', 32],
  SHA512: ['sha512', 64],
  BLAKE2s: ['blake2s256', 32],
  BLAKE2b: ['blake2b512', 64],
} as const

export type NoiseHash = keyof typeof HASHES

/** Curve25519 and ChaCha20-Poly1305 by libsodium, with the hash wanted. */
export function noiseSuite(hashName: NoiseHash = 'BLAKE2b'): NoiseSuite {
  const [algorithm, hashBytes] = HASHES[hashName]
  // One scratch nonce for all calls: they are synchronous.
  const npub = Buffer.alloc(sodium.crypto_aead_chacha20poly1305_ietf_NPUBBYTES)
  const nonceOf = (nonce: number) => {
    npub.writeUInt32LE(nonce >>> 0, 4)
    npub.writeUInt32LE(Math.floor(nonce / 0x1_0000_0000), 8)
    return npub
  }
  return {
    name: `25519_ChaChaPoly_${hashName}`,
    hashBytes,
    makeKeyPair: () => {
      const secretKey = Buffer.alloc(DH_BYTES)
      sodium.randombytes_buf(secretKey)
      return keyPairOf(secretKey)
    },
    publicKeyOf: (secretKey) => keyPairOf(secretKey).publicKey,
    dh: (secretKey, publicKey) => {
      const shared = Buffer.alloc(DH_BYTES)
      try {
        sodium.crypto_scalarmult(shared, buffer(secretKey), buffer(publicKey))
      } catch {
        // libsodium refuses points of low order, and nothing else of this length.
        return undefined
      }
      return shared
    },
    hash: (...parts) => {
      const hash = createHash(algorithm)
      for (const part of parts) hash.update(part)
      return hash.digest()
    },
    hmac: (key, ...parts) => {
      const hmac = createHmac(algorithm, key)
      for (const part of parts) hmac.update(part)
      return hmac.digest()
    },
    encrypt: (key, nonce, ad, plaintext, out) => {
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        buffer(out),
        buffer(plaintext),
        orNull(ad),
        null,
        nonceOf(nonce),
        buffer(key),
      )
    },
    decrypt: (key, nonce, ad, ciphertext, out) => {
      try {
        sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
          buffer(out),
          null,
          buffer(ciphertext),
          orNull(ad),
          nonceOf(nonce),
          buffer(key),
        )
        return true
      } catch {
        return false
      }
    },
    encryptForRekey: (key, out) => {
      npub.fill(0xff, 4)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        buffer(out),
        Buffer.alloc(DH_BYTES),
        null,
        null,
        npub,
        buffer(key),
      )
    },
    wipe,
  }
}

function keyPairOf(secretKey: Uint8Array): DhKeyPair {
  const publicKey = Buffer.alloc(DH_BYTES)
  sodium.crypto_scalarmult_base(publicKey, buffer(secretKey))
  return { publicKey, secretKey }
}

function orNull(ad: Uint8Array): Buffer | null {
  return ad.length === 0 ? null : buffer(ad)
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
