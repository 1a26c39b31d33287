import { FogError } from '@fog/kernel'
import type { GatewayId, NodeId } from '@fog/kernel'

/** Faults of enrolment, the worker channel and the registry. */
export class NodeError extends FogError<
  | { code: 'node.not_found'; nodeId: NodeId }
  | { code: 'node.key_taken'; publicKey: string }
  | { code: 'node.key_malformed'; publicKey: string }
  | { code: 'node.join_token_invalid' }
  | { code: 'node.join_token_used_up' }
  | { code: 'node.join_token_expired'; expiredAt: string }
  | { code: 'node.retired'; nodeId: NodeId }
  | { code: 'node.signature_invalid' }
  | { code: 'node.channel_superseded'; nodeId: NodeId; gatewayId: GatewayId }
  | { code: 'node.name_invalid'; name: string }
  | { code: 'node.label_invalid'; label: string; why: string }
  | { code: 'node.labels_too_many'; count: number; most: number }
  | { code: 'node.capacity_invalid'; field: string; value: number }
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
      fix: 'Send 32 bytes as 64 hexadecimal characters.',
    },
    'node.join_token_invalid': {
      says: 'This join token is not known here, or was revoked.',
      fix: 'Make a new one with `fog token join` and use it whole.',
    },
    'node.join_token_used_up': {
      says: 'This join token has enrolled as many nodes as it may.',
      fix: 'Make a new one with `fog token join`, with more uses if needed.',
    },
    'node.join_token_expired': {
      says: 'This join token expired at {expiredAt}.',
      fix: 'Make a new one with `fog token join`.',
    },
    'node.retired': {
      says: 'Node {nodeId} was retired and takes no further part.',
      fix: 'To lend this device again, remove its worker data folder and join anew.',
    },
    'node.signature_invalid': {
      says: 'The signature does not prove that the node holds its key.',
      fix: 'Sign the message as documented, with the key the node enrolled with.',
    },
    'node.channel_superseded': {
      says: 'Node {nodeId} has a newer channel than the one of gateway {gatewayId}.',
      fix: 'Close this channel; the newer one goes on.',
    },
    'node.name_invalid': {
      says: '"{name}" cannot be the name of a node.',
      fix: 'Use 1 to 63 letters, digits, dots, dashes, underscores or spaces, with a letter or digit at both ends.',
    },
    'node.label_invalid': {
      says: 'The label "{label}" cannot be used: {why}.',
      fix: 'Write labels such as `region: eu-west`.',
    },
    'node.labels_too_many': {
      says: 'The node has {count} labels where at most {most} are kept.',
      fix: 'Leave out those that no job asks for.',
    },
    'node.capacity_invalid': {
      says: 'A capacity with {field} {value} makes no sense.',
      fix: 'Offer whole numbers, zero or more, and at least some CPU and memory.',
    },
  }
}
