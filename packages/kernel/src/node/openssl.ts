import { createCipheriv, createHash, createHmac } from 'node:crypto'

/** Primitives of OpenSSL for formats that others chose. They allocate, so they are not for hot paths. */

/** AES-256 in counter mode (SP 800-38A, F.5.5): `message` under the stream of a 32-byte key and a 16-byte first block. */
export function aes256Ctr(message: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  return new Uint8Array(createCipheriv('aes-256-ctr', key, iv).update(message))
}

/** HMAC-SHA256 (RFC 2104), 32 bytes. Several parts hash as one. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return new Uint8Array(hmac.digest())
}

/** The second half of HKDF (RFC 5869, section 2.3) over SHA-256: up to 8,160 bytes from a key that is already uniform. */
export function hkdfExpandSha256(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length)
  let block = new Uint8Array(0)
  for (let at = 0, count = 1; at < length; at += block.length, count++) {
    block = hmacSha256(key, block, info, Uint8Array.of(count)) as Uint8Array<ArrayBuffer>
    out.set(block.subarray(0, length - at), at)
  }
  return out
}

/** SHA-512/256 (FIPS 180-4), 32 bytes. */
export function sha512Half(message: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha512-256').update(message).digest())
}
