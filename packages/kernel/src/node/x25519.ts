import sodium from 'sodium-native'

/** X25519 (RFC 7748) for hot paths: all results go into the caller's buffers, nothing is allocated. */

export const X25519_BYTES = 32

/**
 * `scalar` (clamped as the RFC says) times `point`, into `out`. False, and `out` all zero, for a point of low order or an
 * encoding that is not canonical: nobody who follows the protocol sends one.
 */
export function x25519(out: Buffer, scalar: Buffer, point: Buffer): boolean {
  try {
    if (isCanonical(point)) {
      sodium.crypto_scalarmult(out, scalar, point)
      return true
    }
  } catch {
    // libsodium refuses points of low order, and nothing else of this length.
  }
  out.fill(0)
  return false
}

/** The public key of a secret scalar, into `out`. */
export function x25519Base(out: Buffer, scalar: Buffer): void {
  sodium.crypto_scalarmult_base(out, scalar)
}

/** Whether the number is below 2^255 - 19, as every honest result is. The encoding is public, so branches do no harm. */
function isCanonical(point: Buffer): boolean {
  const top = point[31]!
  if (top < 0x7f) return true
  if (top > 0x7f || point[0]! < 0xed) return top === 0x7f
  for (let i = 1; i < 31; i++) if (point[i] !== 0xff) return true
  return false
}
