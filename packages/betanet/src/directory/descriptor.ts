import { equalBytes, utf8 } from '@fog/kernel'
import * as crypto from '@fog/kernel/node'
import { byteArray, documentForm, integer, list, maybe, object, oneOf, text, type Value } from '../codec.ts'
import { VRF_OUTPUT_BYTES, VRF_PROOF_BYTES, isValidVrfKey } from '../vrf/index.ts'
import { signedBytes } from './signing.ts'

/** A reveal is due two epochs after the delays it explains: the first descriptor made when they are over. */
export const REVEAL_LAG = 2
/** Bytes: about three times a descriptor with all its addresses. */
export const MAX_DESCRIPTOR_BYTES = 16_384
const MAX_ADDRESSES = 64

const addressCodec = object({
  host: text(/^[A-Za-z0-9.:_-]{1,253}$/, 'a host name or IP address'),
  port: integer(1, 65_535),
  protocol: oneOf('tcp', 'udp'),
  /** The worker thread that listens there: each has its own port, so that a link stays with one thread. */
  worker: integer(0, 255),
})

/** Where one worker thread of a node listens. */
export type NodeAddress = Value<typeof addressCodec>

const descriptorCodec = object({
  kind: oneOf('betanet.descriptor.v1'),
  network: byteArray(32),
  /** The epoch it is for. */
  epoch: integer(1),
  /** Of two descriptors for one epoch the higher counts. */
  revision: integer(0, 1_000_000),
  /** Ed25519, and the node's id in packets. */
  identityKey: byteArray(32),
  /** X25519, for links. */
  linkKey: byteArray(32),
  /** X25519, of the epoch and of the one after it. */
  sphinxKey: byteArray(32),
  nextSphinxKey: byteArray(32),
  /** Of the epoch and of the one after it: named an epoch ahead, a key cannot be chosen for what the beacon makes of it. */
  vrfKey: byteArray(32),
  nextVrfKey: byteArray(32),
  /** Whose node it is, as its operator says. Paths avoid two nodes of one operator. */
  operator: text(/^[\x21-\x7e]{1,64}$/, '1 to 64 visible ASCII characters'),
  role: oneOf('mix', 'gateway'),
  addresses: list(addressCodec, 1, MAX_ADDRESSES),
  packetsPerSecond: integer(1, 10_000_000),
  reveal: maybe(object({ epoch: integer(1), output: byteArray(VRF_OUTPUT_BYTES), proof: byteArray(VRF_PROOF_BYTES) })),
  /** Of the delay histogram of the epoch that is revealed. */
  histogramDigest: maybe(byteArray(32)),
})

/** All that others must know of a node for one epoch. */
export type Descriptor = Value<typeof descriptorCodec>

export const signedDescriptorCodec = object({ descriptor: descriptorCodec, signature: byteArray(64) })

/** A descriptor with its node's signature. */
export type SignedDescriptor = Value<typeof signedDescriptorCodec>

const descriptorForm = documentForm('descriptor', descriptorCodec, MAX_DESCRIPTOR_BYTES)
export const signedDescriptorForm = documentForm('descriptor', signedDescriptorCodec, MAX_DESCRIPTOR_BYTES)

const LABEL = 'fog betanet descriptor v1'
const DIGEST_LABEL = utf8('fog betanet descriptor digest v1')

/** Signs with the secret key of `identityKey`, 64 bytes. */
export function signDescriptor(descriptor: Descriptor, identitySecretKey: Uint8Array): SignedDescriptor {
  const message = signedBytes(LABEL, descriptorForm.encode(descriptor))
  return { descriptor, signature: crypto.sign(message, identitySecretKey) }
}

/** Whether the node of its identity key made it, and its keys are usable. Form and bounds were checked when it was parsed. */
export function isGenuineDescriptor({ descriptor, signature }: SignedDescriptor): boolean {
  const { identityKey, linkKey, sphinxKey, nextSphinxKey, vrfKey, nextVrfKey, reveal, epoch } = descriptor
  const usable =
    !equalBytes(sphinxKey, nextSphinxKey) &&
    [linkKey, sphinxKey, nextSphinxKey].every(isUsableForExchange) &&
    isValidVrfKey(vrfKey) &&
    (equalBytes(vrfKey, nextVrfKey) || isValidVrfKey(nextVrfKey)) &&
    (reveal === undefined || reveal.epoch === epoch - REVEAL_LAG)
  return usable && crypto.verify(signedBytes(LABEL, descriptorForm.encode(descriptor)), signature, identityKey)
}

/** With a point of low order, or one that is not canonical, nobody could build a packet or open a link. */
function isUsableForExchange(key: Uint8Array): boolean {
  return crypto.x25519(Buffer.alloc(crypto.X25519_BYTES), ANY_SCALAR, Buffer.from(key))
}

const ANY_SCALAR = Buffer.alloc(crypto.X25519_BYTES, 8)

/** 32 bytes that stand for the descriptor with its signature. */
export function descriptorDigest(signed: SignedDescriptor): Uint8Array {
  return crypto.blake2b(32, undefined, DIGEST_LABEL, signedDescriptorForm.encode(signed))
}
