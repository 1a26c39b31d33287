import 'sodium-native'

/** What the published types leave out of ChaCha20, in its original form and that of RFC 8439. */
declare module 'sodium-native' {
  function crypto_stream_chacha20(keystream: Buffer, nonce: Buffer, key: Buffer): void
  function crypto_stream_chacha20_ietf(keystream: Buffer, nonce: Buffer, key: Buffer): void
  function crypto_stream_chacha20_xor_ic(
    ciphertext: Buffer,
    message: Buffer,
    nonce: Buffer,
    counter: number,
    key: Buffer,
  ): void
  function crypto_stream_chacha20_ietf_xor_ic(
    ciphertext: Buffer,
    message: Buffer,
    nonce: Buffer,
    counter: number,
    key: Buffer,
  ): void
}
