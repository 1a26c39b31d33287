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
  /** The epoch in which the packet is sent: the consensus's own or the one after it. */
  readonly epoch: number
  /** A gateway that must be first or last, by id: where one is connected, where the recipient waits. */
  readonly entry?: Uint8Array
  readonly exit?: Uint8Array
}

export type PathOutcome =
  | { readonly ok: true; readonly hops: readonly PathHop[] }
  | { readonly ok: false; readonly reason: 'no_node' | 'too_few_operators' | 'unknown_gateway'; readonly place: Place }

const NOBODY: ReadonlySet<string> = new Set()
/** A node may claim any bandwidth; it counts up to this many times the median of its place. */
const MOST_OVER_MEDIAN = 4
/** Tries to find a path of distinct operators before it is said that there is none. */
const TRIES = 32

/**
 * Paths by chance through one consensus: entry gateway, a mix of each layer, exit gateway. In each place a node is taken with a
 * chance of its share in weight x bandwidth. No node comes twice; no operator either, unless the consensus merely prefers that
 * and it cannot be.
 */
export class PathChooser {
  readonly #consensus: Consensus
  readonly #gateways: readonly Seat[]
  readonly #layers: readonly Stop[]

  /** `avoid`: mixes to leave out, ids in hex, save where a layer has no others. */
  constructor(consensus: Consensus, { avoid = NOBODY }: { readonly avoid?: ReadonlySet<string> } = {}) {
    this.#consensus = consensus
    this.#gateways = seatsOf(consensus, 'gateway')
    this.#layers = LAYERS.map((layer) => {
      const all = freeStop(layer, seatsOf(consensus, layer))
      const seats = all.seats.filter(({ id }) => !avoid.has(id))
      return seats.length > 0 ? { ...all, seats } : all
    })
  }

  choose({ epoch, entry, exit }: PathRequest, rng: Rng): PathOutcome {
    const { epoch: first, parameters } = this.#consensus
    assert(epoch === first || epoch === first + 1, 'a consensus has keys for two epochs')
    const stops = [this.#gatewayStop(entry), ...this.#layers, this.#gatewayStop(exit)]
    const empty = stops.find(({ seats }) => seats.length === 0)
    if (empty) return { ok: false, reason: empty.isGiven ? 'unknown_gateway' : 'no_node', place: empty.place }
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const seats = walk(stops, rng, 'distinct')
      if (seats) return { ok: true, hops: this.#hops(seats, epoch) }
    }
    if (parameters.distinctOperators === 'required') return { ok: false, reason: 'too_few_operators', place: 'gateway' }
    const seats = walk(stops, rng, 'any')
    return seats ? { ok: true, hops: this.#hops(seats, epoch) } : { ok: false, reason: 'no_node', place: 'gateway' }
  }

  /** A gateway that the sender names is taken whatever its weight. */
  #gatewayStop(only: Uint8Array | undefined): Stop {
    if (!only) return freeStop('gateway', this.#gateways)
    const id = toHex(only)
    const seats = this.#gateways.filter((seat) => seat.id === id).map((seat) => ({ ...seat, weight: 1n }))
    return { place: 'gateway', seats, isGiven: true }
  }

  #hops(seats: readonly Seat[], epoch: number): PathHop[] {
    return seats.map(({ node }) => ({
      nodeId: node.signed.descriptor.identityKey,
      sphinxKey: sphinxKeyAt(this.#consensus, node, epoch),
      place: node.place,
      node,
    }))
  }
}

/** What a node's share in its place is made of: weight x bandwidth, the latter capped. Also what a page may show. */
export function pathWeights(nodes: readonly ConsensusNode[]): bigint[] {
  const bandwidths = nodes.map(({ signed }) => signed.descriptor.packetsPerSecond)
  const median = bandwidths.toSorted((a, b) => a - b)[(bandwidths.length - 1) >> 1] ?? 0
  return nodes.map(({ weight }, i) => BigInt(weight) * BigInt(Math.min(bandwidths[i]!, MOST_OVER_MEDIAN * median)))
}

interface Seat {
  readonly id: string
  readonly operator: string
  readonly weight: bigint
  readonly node: ConsensusNode
}

interface Stop {
  readonly place: Place
  readonly seats: readonly Seat[]
  /** The sender named the node. */
  readonly isGiven: boolean
}

function seatsOf(consensus: Consensus, place: Place): Seat[] {
  const nodes = consensus.nodes.filter((node) => node.place === place)
  const weights = pathWeights(nodes)
  return nodes.map((node, i) => ({
    id: toHex(node.signed.descriptor.identityKey),
    operator: node.signed.descriptor.operator,
    weight: weights[i]!,
    node,
  }))
}

function freeStop(place: Place, seats: readonly Seat[]): Stop {
  return { place, seats: seats.filter(({ weight }) => weight > 0n), isGiven: false }
}

function walk(stops: readonly Stop[], rng: Rng, operators: 'distinct' | 'any'): Seat[] | undefined {
  const chosen: Seat[] = []
  // Given gateways first: what the sender has no choice in must not be taken by chance before.
  const order = [...stops.keys()].sort((a, b) => Number(stops[b]!.isGiven) - Number(stops[a]!.isGiven))
  for (const i of order) {
    const stop = stops[i]!
    const seat = pick(stop.seats, rng, (candidate) => stop.isGiven || isFree(candidate, chosen, operators))
    if (!seat) return undefined
    chosen[i] = seat
  }
  return chosen
}

/** A sender that names both gateways may name one twice, and so this is not asked of those. */
function isFree(candidate: Seat, chosen: readonly Seat[], operators: 'distinct' | 'any'): boolean {
  return chosen.every(
    ({ id, operator }) => id !== candidate.id && (operators === 'any' || operator !== candidate.operator),
  )
}

function pick(seats: readonly Seat[], rng: Rng, isAllowed: (seat: Seat) => boolean): Seat | undefined {
  const allowed = seats.filter(isAllowed)
  const total = allowed.reduce((sum, { weight }) => sum + weight, 0n)
  if (total === 0n) return undefined
  let left = randomBelowBig(rng, total)
  for (const seat of allowed) {
    left -= seat.weight
    if (left < 0n) return seat
  }
  return undefined
}

/** Uniform below a total of at most 2^64: 128 random bits leave a bias of 2^-64. */
function randomBelowBig(rng: Rng, below: bigint): bigint {
  return BigInt(`0x${toHex(rng.bytes(16))}`) % below
}
