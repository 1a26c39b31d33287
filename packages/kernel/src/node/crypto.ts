import { createHash, timingSafeEqual } from 'node:crypto'
import sodium from 'sodium-native'
import { assert } from '../errors.ts'

/** The only place that touches a cryptographic library. Primitives: SHA-256 (FIPS 180-4) and Ed25519 (RFC 8032). */

export interface KeyPair {
  readonly publicKey: Uint8Array
  /** 64 bytes: the seed, then the public key. Wipe it when done. */
  readonly secretKey: Uint8Array
}

export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
export const SEED_BYTES = 32

/** 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** A hash that is fed piece by piece; `digest()` ends it with 32 bytes. */
export function sha256Stream(): { update(part: Uint8Array): void; digest(): Uint8Array } {
  const hash = createHash('sha256')
  return {
    update: (part) => void hash.update(part),
    digest: () => new Uint8Array(hash.digest()),
  }
}

/** An Ed25519 key pair from 32 secret bytes. */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  assert(seed.length === SEED_BYTES, 'an Ed25519 seed has 32 bytes')
  const publicKey = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES)
  const secretKey = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.from(seed))
  return { publicKey: new Uint8Array(publicKey), secretKey: new Uint8Array(secretKey) }
}

/** 64-byte Ed25519 signature. */
export function sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const signature = Buffer.alloc(SIGNATURE_BYTES)
  sodium.crypto_sign_detached(signature, asBuffer(message), asBuffer(secretKey))
  return new Uint8Array(signature)
}

/** Whether the signature is genuine. Wrong sizes are simply not. */
export function verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES) return false
  return sodium.crypto_sign_verify_detached(asBuffer(signature), asBuffer(message), asBuffer(publicKey))
}

/** Constant-time comparison; only the lengths show. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Overwrites a secret that is no longer needed. */
export function wipe(secret: Uint8Array): void {
  sodium.sodium_memzero(asBuffer(secret))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
