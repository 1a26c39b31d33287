import { type Consensus, type ConsensusNode, LAYERS, sphinxKeyAt } from '@fog/betanet/directory'
import type { PathHop } from '@fog/betanet/sphinx'
import { type Rng, toHex } from '@fog/kernel'
import { Deck } from './deck.ts'

/** A way through the network, from the entry gateway to the exit. */
export interface Way {
  readonly hops: readonly PathHop[]
  /** Identity keys in hex. */
  readonly names: readonly string[]
}

/**
 * Ways for probes: as an ordinary packet's, through a gateway, a mix of each layer and a gateway, of distinct operators where that
 * can be; but in each layer every mix has its turn as often as the others, however little weight it has, and turns of layers do not
 * go together, so that over time each mix meets each of its neighbours.
 */
export class Ways {
  readonly #consensus: Consensus
  readonly #layers: readonly Deck<ConsensusNode>[]

  constructor(consensus: Consensus, rng: Rng) {
    this.#consensus = consensus
    this.#layers = LAYERS.map((layer) => {
      // No ordinary packet goes through a mix without weight: one that did would be known for a probe.
      return new Deck(
        consensus.nodes.filter(({ place, weight }) => place === layer && weight > 0),
        rng,
      )
    })
  }

  /** The next way between two gateways; undefined while a layer is empty, or has nobody of another operator where one must be. */
  next(entry: ConsensusNode, exit: ConsensusNode): Way | undefined {
    const nodes = [entry, exit]
    for (const layer of this.#layers) {
      const operators = new Set(nodes.map(operatorOf))
      const distinct = layer.draw((node) => !operators.has(operatorOf(node)))
      const node = distinct ?? (this.#mayRepeat ? layer.draw() : undefined)
      if (!node) return undefined
      nodes.splice(-1, 0, node)
    }
    const { epoch } = this.#consensus
    return {
      hops: nodes.map((node) => ({
        id: idOf(node),
        publicKey: sphinxKeyAt(this.#consensus, node, epoch),
        delayClass: 0,
      })),
      names: nodes.map((node) => toHex(idOf(node))),
    }
  }

  get #mayRepeat(): boolean {
    return this.#consensus.parameters.distinctOperators === 'preferred'
  }
}

function idOf({ signed }: ConsensusNode): Uint8Array {
  return signed.descriptor.identityKey
}

function operatorOf({ signed }: ConsensusNode): string {
  return signed.descriptor.operator
}
