import * as crypto from '@fog/kernel/node'
import { signedBytes } from './signing.ts'

const LABEL = 'fog betanet admission v1'
const MESSAGE_LABEL = 'fog betanet authority message v1'

/** 64 bytes by which whoever admits a node to a network knows that its operator holds the identity key. */
export function signAdmission(network: Uint8Array, identitySecretKey: Uint8Array): Uint8Array {
  return crypto.sign(signedBytes(LABEL, network), identitySecretKey)
}

export function isGenuineAdmission(network: Uint8Array, identityKey: Uint8Array, proof: Uint8Array): boolean {
  return crypto.verify(signedBytes(LABEL, network), proof, identityKey)
}

/** 64 bytes by which an authority shows that a message is from it, before anyone reads the message. */
export function signAuthorityMessage(network: Uint8Array, message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return crypto.sign(messageBytes(network, message), secretKey)
}

export function isFromAuthority(
  network: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  signingKey: Uint8Array,
): boolean {
  return crypto.verify(messageBytes(network, message), signature, signingKey)
}

function messageBytes(network: Uint8Array, message: Uint8Array): Uint8Array {
  return signedBytes(MESSAGE_LABEL, crypto.blake2b(32, network, message))
}
