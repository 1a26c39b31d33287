import 'sodium-native'

/** What the published types leave out of ChaCha20-Poly1305 (RFC 8439). */
declare module 'sodium-native' {
  const crypto_aead_chacha20poly1305_ietf_NPUBBYTES: number
  function crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Buffer,
    message: Buffer,
    ad: Buffer | null,
    nsec: null,
    npub: Buffer,
    key: Buffer,
  ): number
  /** Throws when the tag is not genuine. */
  function crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Buffer,
    nsec: null,
    ciphertext: Buffer,
    ad: Buffer | null,
    npub: Buffer,
    key: Buffer,
  ): number
}
