import { concat, toHex, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import { negativeLn } from '../delay/index.ts'

/** Someone in the draw. */
export interface Candidate {
  /** 32 bytes. */
  readonly id: Uint8Array
  /** Whole, from 0 on. Who has none is not drawn. */
  readonly weight: number
}

export interface Draw {
  readonly beacon: Uint8Array
  readonly epoch: number
}

const TICKET_LABEL = utf8('fog betanet lottery v1')
const LAYER_LABEL = utf8('fog betanet layers v1')

/**
 * The candidates in the order in which they are drawn: the first is each with a chance of its weight's share, the second of its
 * share in the rest, and so on. Each has a ticket -ln(1 - u) / weight, and the lowest is drawn first (Efraimidis and Spirakis 2006);
 * u comes from the beacon and the candidate's id, so that anyone finds the same order and nobody's ticket depends on others.
 */
export function drawOrder<C extends Candidate>(draw: Draw, candidates: readonly C[]): C[] {
  const tickets = candidates
    .filter(({ weight }) => weight > 0)
    .map((candidate) => ({ candidate, weight: BigInt(candidate.weight), ln: BigInt(lnOf(draw, candidate.id)) }))
  // a / b < c / d is compared as a x d < c x b: no rounding decides.
  tickets.sort((a, b) => {
    const [left, right] = [a.ln * b.weight, b.ln * a.weight]
    return left < right ? -1 : left > right ? 1 : byId(a.candidate, b.candidate)
  })
  return tickets.map(({ candidate }) => candidate)
}

/** Who serves in which layer, by id in hex. Who is not in it was not drawn. */
export function drawLayers(
  draw: Draw,
  candidates: readonly Candidate[],
  { layers, nodesPerLayer }: { readonly layers: number; readonly nodesPerLayer: number },
): Map<string, number> {
  const drawn = drawOrder(draw, candidates).slice(0, layers * nodesPerLayer)
  const shuffled = drawn
    .map((candidate) => ({ candidate, key: toHex(hashOf(LAYER_LABEL, draw, candidate.id)) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const sums = Array.from({ length: layers }, () => ({ weight: 0, nodes: 0 }))
  const layerOf = new Map<string, number>()
  for (const { candidate } of shuffled) {
    const layer = lightest(sums, nodesPerLayer)
    layerOf.set(toHex(candidate.id), layer)
    sums[layer]!.weight += candidate.weight
    sums[layer]!.nodes += 1
  }
  return layerOf
}

/** The layer with the least weight that still has a seat: layers end up about equally strong, and nobody picks its own. */
function lightest(sums: readonly { weight: number; nodes: number }[], nodesPerLayer: number): number {
  let best = -1
  for (const [layer, { weight, nodes }] of sums.entries()) {
    if (nodes < nodesPerLayer && (best === -1 || weight < sums[best]!.weight)) best = layer
  }
  return best
}

function lnOf(draw: Draw, id: Uint8Array): number {
  const digest = hashOf(TICKET_LABEL, draw, id)
  const view = new DataView(digest.buffer, digest.byteOffset)
  return negativeLn(view.getUint32(0), view.getUint32(4))
}

function hashOf(label: Uint8Array, { beacon, epoch }: Draw, id: Uint8Array): Uint8Array {
  const epochBytes = new Uint8Array(8)
  new DataView(epochBytes.buffer).setBigUint64(0, BigInt(epoch))
  return blake2b(32, beacon, concat(label, epochBytes, id))
}

function byId(a: Candidate, b: Candidate): number {
  return toHex(a.id) < toHex(b.id) ? -1 : 1
}
