import { equalBytes, toHex } from '@fog/kernel'
import { delayAlpha, verifyReveal, type DelayReveal, type DelaySeed, type DelaySource } from '../delay/index.ts'
import { sphinxKeyAt, type Consensus, type ConsensusNode } from './consensus.ts'
import { REVEAL_LAG } from './descriptor.ts'

/** The node of this id (its identity key). */
export function findNode({ nodes }: Consensus, nodeId: Uint8Array): ConsensusNode | undefined {
  return nodes.find(({ signed }) => equalBytes(signed.descriptor.identityKey, nodeId))
}

/**
 * What fixes the node's delays of packets of `packetEpoch`: the consensus's own epoch, or the one after it, while no other
 * consensus came.
 */
export function delaySeedOf(
  consensus: Consensus,
  node: ConsensusNode,
  packetEpoch: number = consensus.epoch,
): DelaySeed {
  const { epoch, beacon } = consensus
  const nodeId = node.signed.descriptor.identityKey
  return { nodeId, epoch, beacon, sphinxKey: sphinxKeyAt(consensus, node, packetEpoch) }
}

/**
 * The delays that a reveal stands for; undefined when it is not one that this node of this consensus owed. A node that had to begin
 * the epoch by the consensus before kept those delays to its end, and reveals them.
 */
export function openReveal(
  past: Consensus,
  node: ConsensusNode,
  reveal: DelayReveal,
  check: typeof verifyReveal = verifyReveal,
): DelaySource | undefined {
  const { vrfKey } = node.signed.descriptor
  const { vrfSuite } = past.parameters
  const own = check(vrfSuite, vrfKey, delaySeedOf(past, node), reveal)
  if (own || reveal.epoch !== past.epoch) return own
  const seed = { ...delaySeedOf(past, node), epoch: past.epoch - 1, beacon: past.previousBeacon }
  return check(vrfSuite, vrfKey, seed, { ...reveal, epoch: seed.epoch })
}

/** The delays a node had in the epoch of `past`, as it reveals them in `later`, two epochs on. What an audit begins with. */
export function revealedSource(past: Consensus, later: Consensus, nodeId: Uint8Array): DelaySource | undefined {
  const served = findNode(past, nodeId)
  const reveal = findNode(later, nodeId)?.signed.descriptor.reveal
  return later.epoch === past.epoch + REVEAL_LAG && served && reveal ? openReveal(past, served, reveal) : undefined
}

/** `verifyReveal`, each reveal once: it costs some milliseconds, and an authority looks twice. */
export class RememberedReveals {
  readonly #known = new Map<string, { readonly epoch: number; readonly source: DelaySource | undefined }>()

  readonly check: typeof verifyReveal = (suite, publicKey, seed, reveal) => {
    const parts = [publicKey, delayAlpha(seed), reveal.output, reveal.proof].map(toHex)
    const key = [suite, reveal.epoch, ...parts].join(' ')
    const known = this.#known.get(key) ?? { epoch: seed.epoch, source: verifyReveal(suite, publicKey, seed, reveal) }
    this.#known.set(key, known)
    return known.source
  }

  forgetBefore(epoch: number): void {
    for (const [key, known] of this.#known) if (known.epoch < epoch) this.#known.delete(key)
  }
}
