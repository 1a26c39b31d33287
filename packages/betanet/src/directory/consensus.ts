import { type Instant, toHex, utf8 } from '@fog/kernel'
import * as crypto from '@fog/kernel/node'
import { byteArray, documentForm, integer, list, maybe, object, oneOf, type Value } from '../codec.ts'
import { MOST_FAULTS, MOST_WEIGHT, REVEAL_STATES } from '../lottery/weight.ts'
import { VRF_PROOF_BYTES } from '../vrf/index.ts'
import { signedDescriptorCodec } from './descriptor.ts'
import { type Layer, LAYERS, parametersCodec } from './parameters.ts'
import { signedBytes } from './signing.ts'

export const MAX_AUTHORITIES = 16
export const MAX_NODES = 1_024
/** Room for `MAX_NODES` nodes with a few addresses each. */
export const MAX_CONSENSUS_BYTES = 4_194_304
const LAST_INSTANT = 8_640_000_000_000_000

export const measureCodec = object({
  reputation: integer(0, 1_000),
  performance: integer(0, 1_000),
  stake: integer(0, 1_000_000_000_000),
})

/** What authorities found out about a node: see `Standing` of the lottery. */
export type NodeMeasure = Value<typeof measureCodec>

const nodeCodec = object({
  signed: signedDescriptorCodec,
  measured: measureCodec,
  reveal: oneOf(...REVEAL_STATES),
  faults: integer(0, MOST_FAULTS),
  /** By `lotteryWeight`. */
  weight: integer(0, MOST_WEIGHT),
  /** A layer; a gateway; in reserve, not drawn; waiting, its VRF key being too new. */
  place: oneOf<Layer | 'gateway' | 'reserve' | 'waiting'>(...LAYERS, 'gateway', 'reserve', 'waiting'),
})

/** A node as an epoch's consensus knows it. */
export type ConsensusNode = Value<typeof nodeCodec>
export type Place = ConsensusNode['place']

export const contributionCodec = object({ authority: byteArray(32), proof: byteArray(VRF_PROOF_BYTES) })

const consensusCodec = object({
  kind: oneOf('betanet.consensus.v1'),
  network: byteArray(32),
  epoch: integer(1),
  /** Epoch milliseconds: in force from the one on, superseded from the other, worthless from the last. */
  validAfter: integer(0, LAST_INSTANT),
  freshUntil: integer(0, LAST_INSTANT),
  validUntil: integer(0, LAST_INSTANT),
  /** Of the consensus it follows on; null for the first. */
  previousDigest: maybe(byteArray(32)),
  previousBeacon: byteArray(32),
  beacon: byteArray(32),
  /** What the beacon is made of, by authority. Who is missing withheld its part. */
  contributions: list(contributionCodec, 1, MAX_AUTHORITIES),
  parameters: parametersCodec,
  /** In the order of their ids. */
  nodes: list(nodeCodec, 0, MAX_NODES),
})

/** What the network agrees on for one epoch. */
export type Consensus = Value<typeof consensusCodec>

const signatureCodec = object({ authority: byteArray(32), signature: byteArray(64) })

const signedConsensusCodec = object({ consensus: consensusCodec, signatures: list(signatureCodec, 1, MAX_AUTHORITIES) })

/** A consensus with authorities' signatures. What it is worth depends on how many of them one trusts. */
export type SignedConsensus = Value<typeof signedConsensusCodec>
export type AuthoritySignature = Value<typeof signatureCodec>

const consensusForm = documentForm('consensus', consensusCodec, MAX_CONSENSUS_BYTES)
export const signedConsensusForm = documentForm('consensus', signedConsensusCodec, MAX_CONSENSUS_BYTES)

const LABEL = 'fog betanet consensus v1'

/** 32 bytes that stand for the consensus, whoever signed it. */
export function consensusDigest(consensus: Consensus): Uint8Array {
  return crypto.blake2b(32, undefined, utf8('fog betanet consensus digest v1'), consensusForm.encode(consensus))
}

/** Signatures are over the digest, so that they can be exchanged without the document. */
export function signDigest(digest: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return crypto.sign(signedBytes(LABEL, digest), secretKey)
}

export function isDigestSignature(digest: Uint8Array, { authority, signature }: AuthoritySignature): boolean {
  return crypto.verify(signedBytes(LABEL, digest), signature, authority)
}

/** Who of the authorities given really signed, each counted once, in hex. */
export function signersOf({ consensus, signatures }: SignedConsensus, authorities: readonly Uint8Array[]): Set<string> {
  const trusted = new Set(authorities.map(toHex))
  const digest = consensusDigest(consensus)
  const genuine = signatures.filter(
    (signature) => trusted.has(toHex(signature.authority)) && isDigestSignature(digest, signature),
  )
  return new Set(genuine.map(({ authority }) => toHex(authority)))
}

/** The node's Sphinx key in `epoch`, which is the consensus's own or the one after it. */
export function sphinxKeyAt({ epoch: consensusEpoch }: Consensus, node: ConsensusNode, epoch: number): Uint8Array {
  const { sphinxKey, nextSphinxKey } = node.signed.descriptor
  return epoch === consensusEpoch ? sphinxKey : nextSphinxKey
}

/**
 * The epoch whose keys packets are for at `now`, for whoever has this consensus and no later one that has begun: its own, and from
 * its end on the one after it, whose keys it names too. Nodes serve both by the clock (`servedEpochs`), whatever consensus they have.
 */
export function packetEpochAt({ epoch, freshUntil }: Consensus, now: Instant): number {
  return now < freshUntil ? epoch : epoch + 1
}
