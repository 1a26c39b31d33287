import { equalBytes, toHex } from '@fog/kernel'
import { beaconOf, openContribution } from '../directory/beacon.ts'
import { consensusDigest, type Consensus } from '../directory/consensus.ts'
import { isGenuineDescriptor } from '../directory/descriptor.ts'
import { placeNodes } from '../directory/aggregate.ts'
import { findAuthority, type Trust } from '../directory/rules.ts'
import { lotteryWeight } from './weight.ts'

/** What is wrong with a consensus, whoever signed it. */
export type LotteryFlaw =
  | 'descriptor_not_genuine'
  | 'contribution_not_genuine'
  | 'beacon_does_not_follow'
  | 'weight_does_not_follow'
  | 'place_does_not_follow'
  | 'nodes_out_of_order'

/**
 * Draws the lottery again from the consensus alone: its beacon from the authorities' parts, weights from what was measured, seats
 * from both. An empty list means that nobody, not even all authorities together, seated anyone by hand.
 */
export function verifyLottery(trust: Trust, consensus: Consensus): LotteryFlaw[] {
  const { beacon, epoch, parameters, nodes } = consensus
  const flaws = new Set<LotteryFlaw>(beaconFlaws(trust, consensus))
  for (const { signed, measured, faults, weight } of nodes) {
    const { descriptor } = signed
    const fits = descriptor.epoch === epoch && equalBytes(descriptor.network, consensus.network)
    if (!fits || !isGenuineDescriptor(signed)) flaws.add('descriptor_not_genuine')
    if (weight !== lotteryWeight({ ...measured, faults })) flaws.add('weight_does_not_follow')
  }
  const ids = nodes.map(({ signed }) => toHex(signed.descriptor.identityKey))
  if (ids.some((id, i) => i > 0 && id <= ids[i - 1]!)) flaws.add('nodes_out_of_order')
  const unplaced = nodes.map(({ place, ...node }) => ({ ...node, isWaiting: place === 'waiting' }))
  const placed = placeNodes(beacon, epoch, parameters, unplaced)
  if (placed.some(({ place }, i) => place !== nodes[i]!.place)) flaws.add('place_does_not_follow')
  return [...flaws]
}

function beaconFlaws(
  trust: Trust,
  { network, epoch, previousBeacon, beacon, contributions }: Consensus,
): LotteryFlaw[] {
  const place = { network, epoch, previous: previousBeacon }
  const outputs = contributions.flatMap(({ authority, proof }) => {
    const vrfKey = findAuthority(trust, authority)?.vrfKey
    const output = vrfKey && openContribution(vrfKey, place, proof)
    return output ? [{ authority, output }] : []
  })
  const ids = contributions.map(({ authority }) => toHex(authority))
  const inOrder = ids.every((id, i) => i === 0 || id > ids[i - 1]!)
  if (outputs.length < contributions.length || !inOrder) return ['contribution_not_genuine']
  return equalBytes(beaconOf(place, outputs), beacon) ? [] : ['beacon_does_not_follow']
}

/** Whether `next` follows on `before`: the same chain of beacons and digests. What clients check when they have both. */
export function follows(before: Consensus, next: Consensus): boolean {
  return (
    next.previousDigest !== undefined &&
    equalBytes(next.previousDigest, consensusDigest(before)) &&
    equalBytes(next.previousBeacon, before.beacon) &&
    equalBytes(next.network, before.network)
  )
}
