import sodium from 'sodium-native'

/** BLAKE2b (RFC 7693) of 16 to 64 bytes, keyed when `key` (16 to 64 bytes) is given. Several parts hash as one. */
export function blake2b(length: number, key: Uint8Array | undefined, ...parts: readonly Uint8Array[]): Uint8Array {
  const digest = Buffer.alloc(length)
  const buffers = parts.map(asBuffer)
  if (key) sodium.crypto_generichash_batch(digest, buffers, asBuffer(key))
  else sodium.crypto_generichash_batch(digest, buffers)
  return new Uint8Array(digest)
}

/** The same for hot paths: one part, and the digest into the caller's buffer, whose length decides the digest's. */
export function blake2bInto(digest: Buffer, message: Buffer, key?: Buffer): void {
  sodium.crypto_generichash(digest, message, key)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
