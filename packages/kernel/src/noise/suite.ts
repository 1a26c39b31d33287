/** A Diffie-Hellman key pair, 32 bytes each. Wipe the secret key when done. */
export interface DhKeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/**
 * The primitives a handshake stands on, behind one type so that the state machine itself is pure. `noiseSuite` of
 * `@fog/kernel/node` gives those of the machine.
 */
export interface NoiseSuite {
  /** As it stands in the protocol's name: `25519_ChaChaPoly_SHA256`. */
  readonly name: string
  /** 32 or 64. */
  readonly hashBytes: number
  makeKeyPair(): DhKeyPair
  publicKeyOf(secretKey: Uint8Array): Uint8Array
  /** 32 bytes; undefined when the point is of low order and the result all zero. */
  dh(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined
  hash(...parts: readonly Uint8Array[]): Uint8Array
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array
  /** Ciphertext and a 16-byte tag into `out`, which may overlap `plaintext` only when both begin at the same byte. */
  encrypt(key: Uint8Array, nonce: number, ad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void
  /** Whether the tag is genuine; `out` holds the plaintext then and zeros or nothing of it otherwise. */
  decrypt(key: Uint8Array, nonce: number, ad: Uint8Array, ciphertext: Uint8Array, out: Uint8Array): boolean
  /** Encrypts 32 zero bytes under the highest nonce, 2^64 - 1, into `out` (48 bytes). */
  encryptForRekey(key: Uint8Array, out: Uint8Array): void
  wipe(secret: Uint8Array): void
}

export const DH_BYTES = 32
export const TAG_BYTES = 16
