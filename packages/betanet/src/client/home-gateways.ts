import { toHex, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import type { Consensus, ConsensusNode } from '../directory/index.ts'

const LABEL = utf8('fog betanet home gateway v1')
const SCORE_BYTES = 32

/** A client keeps links to so many gateways, so that one may go away. */
export const HOME_GATEWAYS = 2

/**
 * The gateways where a peer is to be found, the best first. Each gateway has a score for the peer, BLAKE2b-256 of label | gateway's
 * identity key | peer key, and the highest wins (rendezvous hashing, Thaler and Ravishankar 1996). Everyone finds the same from
 * the consensus alone and asks nobody. A gateway that goes moves only the peers that it had; one that comes takes from each
 * other gateway about its share; epochs change nothing.
 */
export function homeGateways(
  { nodes }: Pick<Consensus, 'nodes'>,
  peerKey: Uint8Array,
  most: number = HOME_GATEWAYS,
): ConsensusNode[] {
  return nodes
    .filter(({ place }) => place === 'gateway')
    .map((node) => ({ node, score: scoreOf(node.signed.descriptor.identityKey, peerKey) }))
    .sort((a, b) => (a.score > b.score ? -1 : 1))
    .slice(0, most)
    .map(({ node }) => node)
}

function scoreOf(gatewayId: Uint8Array, peerKey: Uint8Array): string {
  return toHex(blake2b(SCORE_BYTES, undefined, LABEL, gatewayId, peerKey))
}
