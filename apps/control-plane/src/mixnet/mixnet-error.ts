import { FogError } from '@fog/kernel'

/** What is wrong with a wish to the mixnet's directory, or with its set-up. */
export class MixnetError extends FogError<
  | { code: 'mixnet.off' }
  | { code: 'mixnet.no_consensus'; epoch: number | 'any' }
  | { code: 'mixnet.descriptor_refused'; reason: string; detail: string }
  | { code: 'mixnet.report_refused'; reason: string; detail: string }
  | { code: 'mixnet.message_refused'; reason: string }
  | { code: 'mixnet.busy' }
  | { code: 'mixnet.proof_invalid'; identityKey: string }
  | { code: 'mixnet.node_not_found'; identityKey: string }
  | { code: 'mixnet.node_taken'; identityKey: string }
  | { code: 'mixnet.node_revoked'; identityKey: string }
  | { code: 'mixnet.too_many_nodes'; limit: number }
  | { code: 'mixnet.operator_taken'; operator: string }
  | { code: 'mixnet.operator_fixed'; operator: string }
  | { code: 'mixnet.evidence_not_found' }
  | { code: 'mixnet.report_not_found'; identityKey: string; epoch: string }
  | { code: 'mixnet.keys_unusable'; path: string; why: string }
  | { code: 'mixnet.authorities_unusable'; path: string; why: string }
> {
  static override readonly texts = {
    'mixnet.off': {
      says: 'This control plane keeps no directory of a mixnet.',
      fix: 'Ask its operator to start it with FOG_MIXNET=on.',
    },
    'mixnet.no_consensus': {
      says: 'There is no consensus here of epoch {epoch}.',
      fix: 'The first one is made a quarter of an epoch before the first epoch begins; older ones are let go of in time.',
    },
    'mixnet.descriptor_refused': {
      says: 'The descriptor was refused, {reason}: {detail}.',
      fix: 'Check the network, the clock and the key of the node, and that the node was admitted.',
    },
    'mixnet.report_refused': {
      says: 'The traffic report was refused, {reason}: {detail}.',
      fix: 'Send the report of an epoch while it runs or soon after, signed by the key of a node that was in it.',
    },
    'mixnet.message_refused': {
      says: 'The message was refused: {reason}.',
      fix: 'Give all authorities the same file of authorities, and the message the signature of one of them.',
    },
    'mixnet.busy': {
      says: 'Too many messages of authorities wait to be read.',
      fix: 'Send it again in a few seconds.',
    },
    'mixnet.proof_invalid': {
      says: 'The proof does not show that you hold the key {identityKey}.',
      fix: 'Have the node sign the admission message of this very network with its identity key.',
    },
    'mixnet.node_not_found': {
      says: 'There is no mix node {identityKey} that you may change.',
      fix: 'Check its identity key in the list of mix nodes.',
    },
    'mixnet.node_taken': {
      says: 'The mix node {identityKey} belongs to another account.',
      fix: 'Give the node an identity key of its own.',
    },
    'mixnet.node_revoked': {
      says: 'The mix node {identityKey} was revoked, which is for good.',
      fix: 'Give the node a new identity key.',
    },
    'mixnet.too_many_nodes': {
      says: 'Your account has {limit} mix nodes, which is the limit.',
      fix: 'Revoke one that no longer runs, or ask the operator to raise FOG_MIXNET_NODES_PER_ACCOUNT.',
    },
    'mixnet.operator_taken': {
      says: 'Another account is the operator "{operator}".',
      fix: 'Choose another word, or none: then one is made up.',
    },
    'mixnet.operator_fixed': {
      says: 'Your account is the operator "{operator}", for all its nodes.',
      fix: 'Leave the operator out, or give that one.',
    },
    'mixnet.report_not_found': {
      says: 'The mix node {identityKey} has not reported on epoch {epoch}.',
      fix: 'A report comes within the epoch after; older ones are let go.',
    },
    'mixnet.evidence_not_found': {
      says: 'There is no such evidence.',
      fix: 'Take kind, culprit and epoch from the list of evidence.',
    },
    'mixnet.keys_unusable': {
      says: 'The keys of the authority in {path} cannot be used: {why}.',
      fix: 'Put the right file there, readable by the control plane alone, or remove it to have new keys made for a new network.',
    },
    'mixnet.authorities_unusable': {
      says: 'The file of authorities {path} cannot be used: {why}.',
      fix: 'Write it as docs/mixnet.md shows; all authorities need the same.',
    },
  }
}
