export { CipherState, MAX_NOISE_MESSAGE_BYTES } from './cipher-state.ts'
export { type HandshakeOptions, NoiseHandshake, type NoiseSession } from './handshake.ts'
export { NoiseError } from './noise-error.ts'
export { DH_BYTES, type DhKeyPair, type NoiseSuite, TAG_BYTES } from './suite.ts'
