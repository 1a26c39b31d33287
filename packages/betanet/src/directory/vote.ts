import { equalBytes, toHex, utf8 } from '@fog/kernel'
import * as crypto from '@fog/kernel/node'
import { byteArray, documentForm, integer, list, maybe, object, oneOf, type Value } from '../codec.ts'
import { MAX_AUTHORITIES, MAX_CONSENSUS_BYTES, MAX_NODES, measureCodec } from './consensus.ts'
import { signedDescriptorCodec } from './descriptor.ts'
import { parametersCodec } from './parameters.ts'
import { findAuthority, type Trust } from './rules.ts'
import { signedBytes } from './signing.ts'
import { VRF_PROOF_BYTES } from '../vrf/index.ts'

const voteCodec = object({
  kind: oneOf('betanet.vote.v1'),
  network: byteArray(32),
  epoch: integer(1),
  authority: byteArray(32),
  /** Of the consensus it builds on. */
  previousDigest: maybe(byteArray(32)),
  /** The authority's part in the beacon. */
  beaconProof: byteArray(VRF_PROOF_BYTES),
  parameters: parametersCodec,
  nodes: list(object({ signed: signedDescriptorCodec, measured: measureCodec }), 0, MAX_NODES),
})

/** What one authority has seen and measured before an epoch. */
export type Vote = Value<typeof voteCodec>

const signedVoteCodec = object({ vote: voteCodec, signature: byteArray(64) })
export type SignedVote = Value<typeof signedVoteCodec>

const endorsementCodec = object({ authority: byteArray(32), signature: byteArray(64) })
type Endorsement = Value<typeof endorsementCodec>

const messageCodec = object({
  kind: oneOf('betanet.vote-message.v1'),
  signed: signedVoteCodec,
  /** Of the authorities that passed it on, in the order in which they did. */
  endorsements: list(endorsementCodec, 0, MAX_AUTHORITIES),
})

/** A vote on its way from authority to authority. */
export type VoteMessage = Value<typeof messageCodec>

const voteForm = documentForm('vote', voteCodec, MAX_CONSENSUS_BYTES)
export const signedVoteForm = documentForm('vote', signedVoteCodec, MAX_CONSENSUS_BYTES)
export const voteMessageForm = documentForm('vote message', messageCodec, MAX_CONSENSUS_BYTES)

const LABEL = 'fog betanet vote v1'
const ENDORSEMENT_LABEL = 'fog betanet vote endorsement v1'

export function signVote(vote: Vote, secretKey: Uint8Array): SignedVote {
  return { vote, signature: crypto.sign(signedBytes(LABEL, voteForm.encode(vote)), secretKey) }
}

export function isGenuineVote({ vote, signature }: SignedVote): boolean {
  return crypto.verify(signedBytes(LABEL, voteForm.encode(vote)), signature, vote.authority)
}

/** 32 bytes. */
export function voteDigest(signed: SignedVote): Uint8Array {
  return crypto.blake2b(32, undefined, utf8('fog betanet vote digest v1'), signedVoteForm.encode(signed))
}

/** The message with one's own endorsement added. */
export function endorse(message: VoteMessage, signingKey: Uint8Array, secretKey: Uint8Array): VoteMessage {
  const signature = crypto.sign(signedBytes(ENDORSEMENT_LABEL, voteDigest(message.signed)), secretKey)
  return { ...message, endorsements: [...message.endorsements, { authority: signingKey, signature }] }
}

/** How many authorities stand behind the message, its author first; undefined when anything in it is not genuine. */
export function countBackers(trust: Trust, { signed, endorsements }: VoteMessage): number | undefined {
  const digest = voteDigest(signed)
  const backers = new Set([toHex(signed.vote.authority)])
  const isEndorsed = ({ authority, signature }: Endorsement) =>
    crypto.verify(signedBytes(ENDORSEMENT_LABEL, digest), signature, authority)
  if (!findAuthority(trust, signed.vote.authority) || !isGenuineVote(signed)) return undefined
  for (const endorsement of endorsements) {
    if (!findAuthority(trust, endorsement.authority) || !isEndorsed(endorsement)) return undefined
    backers.add(toHex(endorsement.authority))
  }
  return backers.size === endorsements.length + 1 ? backers.size : undefined
}

/** Two votes of one authority for one epoch: what no honest authority signs. */
export function isEquivocation(a: SignedVote, b: SignedVote): boolean {
  const same = equalBytes(a.vote.authority, b.vote.authority) && a.vote.epoch === b.vote.epoch
  return same && !equalBytes(voteDigest(a), voteDigest(b)) && isGenuineVote(a) && isGenuineVote(b)
}
