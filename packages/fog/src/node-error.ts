import { FogError } from '@fog/kernel'
import type { NodeId } from '@fog/kernel'

/** Faults of enrolment, the worker channel and the registry. */
export class NodeError extends FogError<
  | { code: 'node.not_found'; nodeId: NodeId }
  | { code: 'node.key_taken'; publicKey: string }
  | { code: 'node.key_malformed'; publicKey: string }
  | { code: 'node.join_token_invalid' }
  | { code: 'node.join_token_used_up' }
  | { code: 'node.join_token_expired' }
  | { code: 'node.retired'; nodeId: NodeId }
  | { code: 'node.signature_invalid' }
  | { code: 'node.name_invalid'; name: string }
  | { code: 'node.label_invalid'; label: string; why: string }
> {
  static override readonly texts = {
    'node.not_found': {
      says: 'There is no node {nodeId}.',
      fix: 'Check the id; `fog nodes` lists them.',
    },
    'node.key_taken': {
      says: 'A node with the key {publicKey} is enrolled already.',
      fix: 'Give each device an identity of its own: remove the copied worker data folder and join again.',
    },
    'node.key_malformed': {
      says: '"{publicKey}" is not an Ed25519 public key.',
      fix: 'Send 32 bytes as 64 lower-case hexadecimal characters.',
    },
    'node.join_token_invalid': {
      says: 'This join token is not known here, or was revoked.',
      fix: 'Make a new one and use it whole.',
    },
    'node.join_token_used_up': {
      says: 'This join token has enrolled as many nodes as it may.',
      fix: 'Make a new one, with more uses if needed.',
    },
    'node.join_token_expired': {
      says: 'This join token has expired.',
      fix: 'Make a new one.',
    },
    'node.retired': {
      says: 'Node {nodeId} was retired and takes no further part.',
      fix: 'To lend this device again, remove its worker data folder and join anew.',
    },
    'node.signature_invalid': {
      says: 'The signature does not prove that the node holds its key.',
      fix: 'Sign the message as documented, with the key the node enrolled with.',
    },
    'node.name_invalid': {
      says: '"{name}" cannot be the name of a node.',
      fix: 'Use 1 to 100 printable characters, with no space at either end.',
    },
    'node.label_invalid': {
      says: 'The label "{label}" cannot be used: {why}.',
      fix: 'Write at most 32 labels such as `region: eu-west`.',
    },
  }
}
