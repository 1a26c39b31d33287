import { assert, toHex, type Rng } from '@fog/kernel'
import { sphinxKeyAt, type Consensus, type ConsensusNode, type Place } from '../directory/consensus.ts'
import { LAYERS } from '../directory/parameters.ts'

/** One stop of a packet. */
export interface PathHop {
  /** 32 bytes: the node's identity key. */
  readonly nodeId: Uint8Array
  /** X25519, of the epoch the path is for. */
  readonly sphinxKey: Uint8Array
  readonly place: Place
  readonly node: ConsensusNode
}

export interface PathRequest {
  readonly consensus: Consensus
  /** The epoch in which the packet is sent: the consensus's own or the one after it. */
  readonly epoch: number
  /** A gateway that must be first or last, by id: where one is connected, where the recipient waits. */
  readonly entry?: Uint8Array
  readonly exit?: Uint8Array
}

export type PathOutcome =
  | { readonly ok: true; readonly hops: readonly PathHop[] }
  | { readonly ok: false; readonly reason: 'no_node' | 'too_few_operators' | 'unknown_gateway'; readonly place: Place }

/** A node may claim any bandwidth; it counts up to this many times the median of its place. */
const MOST_OVER_MEDIAN = 4
/** Tries to find a path of distinct operators before it is said that there is none. */
const TRIES = 32

/**
 * A path by chance: entry gateway, a mix of each layer, exit gateway. In each place a node is taken with a chance of its share in
 * weight x bandwidth. No node comes twice; no operator either, unless the consensus merely prefers that and it cannot be.
 */
export function choosePath(request: PathRequest, rng: Rng): PathOutcome {
  const { consensus, epoch } = request
  assert(epoch === consensus.epoch || epoch === consensus.epoch + 1, 'a consensus has keys for two epochs')
  const stops = stopsOf(request)
  const empty = stops.find(({ nodes }) => nodes.length === 0)
  if (empty) return { ok: false, reason: empty.isGiven ? 'unknown_gateway' : 'no_node', place: empty.place }
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const nodes = walk(stops, rng, 'distinct')
    if (nodes) return { ok: true, hops: hopsOf(request, nodes) }
  }
  if (consensus.parameters.distinctOperators === 'required')
    return { ok: false, reason: 'too_few_operators', place: 'gateway' }
  const nodes = walk(stops, rng, 'any')
  return nodes ? { ok: true, hops: hopsOf(request, nodes) } : { ok: false, reason: 'no_node', place: 'gateway' }
}

/** What a node's share in its place is made of: weight x bandwidth, the latter capped. Also what a page may show. */
export function pathWeights(nodes: readonly ConsensusNode[]): bigint[] {
  const bandwidths = nodes.map(({ signed }) => signed.descriptor.packetsPerSecond)
  const median = bandwidths.toSorted((a, b) => a - b)[(bandwidths.length - 1) >> 1] ?? 0
  return nodes.map(({ weight }, i) => BigInt(weight) * BigInt(Math.min(bandwidths[i]!, MOST_OVER_MEDIAN * median)))
}

interface Stop {
  readonly place: Place
  readonly nodes: readonly ConsensusNode[]
  readonly weights: readonly bigint[]
  /** The sender named the node. */
  readonly isGiven: boolean
}

function stopsOf({ consensus, entry, exit }: PathRequest): Stop[] {
  const at = (place: Place, only?: Uint8Array): Stop => {
    const here = consensus.nodes.filter((node) => node.place === place)
    // A gateway that the sender names is taken whatever its weight.
    if (only) {
      const named = here.filter((node) => idOf(node) === toHex(only))
      return { place, nodes: named, weights: named.map(() => 1n), isGiven: true }
    }
    const nodes = here.filter(({ weight }) => weight > 0)
    return { place, nodes, weights: pathWeights(nodes), isGiven: false }
  }
  return [at('gateway', entry), ...LAYERS.map((layer) => at(layer)), at('gateway', exit)]
}

function walk(stops: readonly Stop[], rng: Rng, operators: 'distinct' | 'any'): ConsensusNode[] | undefined {
  const chosen: ConsensusNode[] = []
  // Given gateways first: what the sender has no choice in must not be taken by chance before.
  const order = [...stops.keys()].sort((a, b) => Number(stops[b]!.isGiven) - Number(stops[a]!.isGiven))
  for (const i of order) {
    const node = pick(stops[i]!, rng, (candidate) => isFree(candidate, chosen, operators, stops[i]!.isGiven))
    if (!node) return undefined
    chosen[i] = node
  }
  return chosen
}

/** A sender that names both gateways may name one twice: it knows what it does. */
function isFree(
  candidate: ConsensusNode,
  chosen: readonly ConsensusNode[],
  operators: 'distinct' | 'any',
  isGiven: boolean,
): boolean {
  if (isGiven) return true
  return chosen.every(
    (other) =>
      idOf(other) !== idOf(candidate) &&
      (operators === 'any' || other.signed.descriptor.operator !== candidate.signed.descriptor.operator),
  )
}

function pick(stop: Stop, rng: Rng, isAllowed: (node: ConsensusNode) => boolean): ConsensusNode | undefined {
  const allowed = stop.nodes.map(isAllowed)
  const total = stop.weights.reduce((sum, weight, i) => (allowed[i] ? sum + weight : sum), 0n)
  if (total === 0n) return undefined
  let left = randomBelowBig(rng, total)
  for (const [i, node] of stop.nodes.entries()) {
    if (!allowed[i]) continue
    left -= stop.weights[i]!
    if (left < 0n) return node
  }
  return undefined
}

/** Uniform below a total of at most 2^64: 128 random bits leave a bias of 2^-64. */
function randomBelowBig(rng: Rng, below: bigint): bigint {
  return BigInt(`0x${toHex(rng.bytes(16))}`) % below
}

function hopsOf({ consensus, epoch }: PathRequest, nodes: readonly ConsensusNode[]): PathHop[] {
  return nodes.map((node) => ({
    nodeId: node.signed.descriptor.identityKey,
    sphinxKey: sphinxKeyAt(consensus, node, epoch),
    place: node.place,
    node,
  }))
}

function idOf({ signed }: ConsensusNode): string {
  return toHex(signed.descriptor.identityKey)
}
