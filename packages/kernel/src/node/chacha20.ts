import sodium from 'sodium-native'

/**
 * ChaCha20 for hot paths: all results go into the caller's buffers, nothing is allocated. `Original` is Bernstein's form,
 * with an 8-byte nonce and a 64-bit counter; `Ietf` that of RFC 8439, with a 12-byte nonce and a 32-bit counter. Keys have 32 bytes.
 */

export const CHACHA20_KEY_BYTES = 32
export const CHACHA20_ORIGINAL_NONCE_BYTES = 8
export const CHACHA20_IETF_NONCE_BYTES = 12

/** Fills `out` with the stream from block 0 on. */
export function chacha20Original(out: Buffer, nonce: Buffer, key: Buffer): void {
  sodium.crypto_stream_chacha20(out, nonce, key)
}

/** `message` under the stream from block 0 on; `out` is of the same length and may be the message itself. */
export function chacha20OriginalXor(out: Buffer, message: Buffer, nonce: Buffer, key: Buffer): void {
  sodium.crypto_stream_chacha20_xor(out, message, nonce, key)
}

/** The same from the 64-byte block `counter` on. */
export function chacha20OriginalXorFrom(
  out: Buffer,
  message: Buffer,
  nonce: Buffer,
  counter: number,
  key: Buffer,
): void {
  sodium.crypto_stream_chacha20_xor_ic(out, message, nonce, counter, key)
}

/** Fills `out` with the stream from block 0 on. */
export function chacha20Ietf(out: Buffer, nonce: Buffer, key: Buffer): void {
  sodium.crypto_stream_chacha20_ietf(out, nonce, key)
}

/** `message` under the stream from the 64-byte block `counter` on; `out` may be the message itself. */
export function chacha20IetfXorFrom(out: Buffer, message: Buffer, nonce: Buffer, counter: number, key: Buffer): void {
  sodium.crypto_stream_chacha20_ietf_xor_ic(out, message, nonce, counter, key)
}
