import { concat } from '@fog/kernel'
import { byteArray, documentForm, integer, object, oneOf, DocumentError, type Value } from '../codec.ts'
import { MAX_CONSENSUS_BYTES, signedConsensusForm, type SignedConsensus } from './consensus.ts'
import { voteMessageForm, type VoteMessage } from './vote.ts'

const signatureMessageCodec = object({
  kind: oneOf('betanet.signature-message.v1'),
  network: byteArray(32),
  epoch: integer(1),
  digest: byteArray(32),
  authority: byteArray(32),
  signature: byteArray(64),
})

/** An authority's signature of the consensus it found. */
export type SignatureMessage = Value<typeof signatureMessageCodec>

const signatureMessageForm = documentForm('signature message', signatureMessageCodec, 1_024)

/** What authorities send each other. */
export type AuthorityMessage =
  | { readonly tag: 'vote'; readonly body: VoteMessage }
  | { readonly tag: 'signature'; readonly body: SignatureMessage }
  /** For who was away while it was made. */
  | { readonly tag: 'consensus'; readonly body: SignedConsensus }

const TAGS = { vote: 1, signature: 2, consensus: 3 } as const
export const MAX_MESSAGE_BYTES = 1 + MAX_CONSENSUS_BYTES

/** One byte that says what it is, then the document. */
export function encodeAuthorityMessage(message: AuthorityMessage): Uint8Array {
  return concat(Uint8Array.of(TAGS[message.tag]), encodeBody(message))
}

/** Throws a `DocumentError`. */
export function parseAuthorityMessage(bytes: Uint8Array): AuthorityMessage {
  const body = bytes.subarray(1)
  switch (bytes[0]) {
    case TAGS.vote:
      return { tag: 'vote', body: voteMessageForm.parse(body) }
    case TAGS.signature:
      return { tag: 'signature', body: signatureMessageForm.parse(body) }
    case TAGS.consensus:
      return { tag: 'consensus', body: signedConsensusForm.parse(body) }
    default: {
      const facts = { document: 'authority message', path: '', expected: 'a first byte of 1, 2 or 3' }
      throw new DocumentError({ code: 'betanet.document_malformed', ...facts })
    }
  }
}

function encodeBody(message: AuthorityMessage): Uint8Array {
  switch (message.tag) {
    case 'vote':
      return voteMessageForm.encode(message.body)
    case 'signature':
      return signatureMessageForm.encode(message.body)
    case 'consensus':
      return signedConsensusForm.encode(message.body)
  }
}
