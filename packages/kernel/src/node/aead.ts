import sodium from 'sodium-native'

/** ChaCha20-Poly1305 (RFC 8439) for hot paths: into the caller's buffers, nothing is allocated but what libsodium throws. */

export const AEAD_KEY_BYTES = 32
export const AEAD_NONCE_BYTES = 12
export const AEAD_TAG_BYTES = 16

/** Seals into `out`, which has 16 bytes more than the message. A nonce must never come twice under one key. */
export function aeadSealInto(out: Buffer, message: Buffer, ad: Buffer | null, nonce: Buffer, key: Buffer): void {
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(out, message, ad, null, nonce, key)
}

/** Whether the box is genuine; then `out`, 16 bytes shorter, holds the message. */
export function aeadOpenInto(out: Buffer, box: Buffer, ad: Buffer | null, nonce: Buffer, key: Buffer): boolean {
  if (box.length < AEAD_TAG_BYTES) return false
  try {
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt(out, null, box, ad, nonce, key)
    return true
  } catch {
    return false
  }
}
