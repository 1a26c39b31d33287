import { canonicalJson, equalBytes, toHex } from '@fog/kernel'
import type { verifyReveal } from '../delay/index.ts'
import { drawLayers } from '../lottery/draw.ts'
import { lotteryWeight, nextFaults, type RevealState } from '../lottery/weight.ts'
import { beaconOf, genesisBeacon, openContribution, type BeaconPlace } from './beacon.ts'
import {
  consensusDigest,
  MAX_NODES,
  type Consensus,
  type ConsensusNode,
  type NodeMeasure,
  type Place,
} from './consensus.ts'
import { descriptorDigest, isGenuineDescriptor, type Descriptor, type SignedDescriptor } from './descriptor.ts'
import { DEFAULT_PARAMETERS, LAYERS, parametersCodec, type Layer, type NetworkParameters } from './parameters.ts'
import { openReveal } from './reveal.ts'
import { findAuthority, type Trust } from './rules.ts'
import { startOf, type Schedule } from './schedule.ts'
import type { SignedVote, Vote } from './vote.ts'

export interface Ground {
  readonly trust: Trust
  readonly schedule: Schedule
  readonly epoch: number
  /** The last consensus there was, which the votes follow on. */
  readonly previous: Consensus | undefined
  /** The consensus of the epoch that is revealed now, `REVEAL_LAG` before this one. */
  readonly revealed: Consensus | undefined
  /** `verifyReveal`, or one that remembers: a reveal costs some milliseconds. */
  readonly checkReveal?: typeof verifyReveal
}

export type AggregateOutcome =
  | { readonly ok: true; readonly consensus: Consensus }
  | { readonly ok: false; readonly reason: 'too_few_votes'; readonly votes: number }

/**
 * The consensus that these votes make: the same bytes for everyone who has the same votes and ground, so that authorities can sign
 * it without talking. What fewer than half of the votes say has no influence, save on numbers, of which the median counts.
 */
export function aggregate(ground: Ground, signedVotes: readonly SignedVote[]): AggregateOutcome {
  const { trust, schedule, epoch, previous } = ground
  const place = beaconPlace(ground)
  const opened = openVotes(ground, place, signedVotes)
  const votes = opened.map(({ vote }) => vote)
  if (votes.length < trust.threshold) return { ok: false, reason: 'too_few_votes', votes: votes.length }
  const beacon = beaconOf(
    place,
    opened.map(({ vote, output }) => ({ authority: vote.authority, output })),
  )
  const parameters = agreedParameters(votes, previous)
  return {
    ok: true,
    consensus: {
      kind: 'betanet.consensus.v1',
      network: trust.network,
      epoch,
      validAfter: startOf(schedule, epoch),
      freshUntil: startOf(schedule, epoch + 1),
      // One epoch more, for which Sphinx keys are in it: a network survives one epoch without its authorities.
      validUntil: startOf(schedule, epoch + 2),
      previousDigest: previous && consensusDigest(previous),
      previousBeacon: place.previous,
      beacon,
      contributions: votes.map(({ authority, beaconProof }) => ({ authority, proof: beaconProof })),
      parameters,
      nodes: placeNodes(beacon, epoch, parameters, agreedNodes(ground, votes)),
    },
  }
}

export function beaconPlace({ trust, epoch, previous }: Ground): BeaconPlace {
  return { network: trust.network, epoch, previous: previous?.beacon ?? genesisBeacon(trust.network) }
}

interface OpenVote {
  readonly vote: Vote
  readonly output: Uint8Array
}

/** The votes that stand on the same ground and bring a genuine part of the beacon, by their authors' ids: of who sent two, none. */
function openVotes({ trust, epoch, previous }: Ground, place: BeaconPlace, signed: readonly SignedVote[]): OpenVote[] {
  const digest = previous && consensusDigest(previous)
  const byAuthor = Map.groupBy(signed, ({ vote }) => toHex(vote.authority))
  const single = [...byAuthor.values()].flatMap((votes) => (votes.length === 1 ? votes : []))
  const open = single.flatMap(({ vote }) => {
    const authority = findAuthority(trust, vote.authority)
    const isOnGround =
      vote.epoch === epoch && equalBytes(vote.network, trust.network) && sameBytes(vote.previousDigest, digest)
    const output = authority && isOnGround && openContribution(authority.vrfKey, place, vote.beaconProof)
    return output ? [{ vote, output }] : []
  })
  return open.sort((a, b) => byHex(a.vote.authority, b.vote.authority))
}

/** The parameters that more than half vote for; without such, those of before. */
function agreedParameters(votes: readonly Vote[], previous: Consensus | undefined): NetworkParameters {
  const groups = Map.groupBy(votes, ({ parameters }) => canonicalJson(parametersCodec.write(parameters)))
  const majority = [...groups.values()].find((group) => 2 * group.length > votes.length)
  return majority?.[0]?.parameters ?? previous?.parameters ?? DEFAULT_PARAMETERS
}

type Listed = { readonly signed: SignedDescriptor; readonly measured: NodeMeasure }
type UnplacedNode = Omit<ConsensusNode, 'place'> & { readonly isWaiting: boolean }

function agreedNodes(ground: Ground, votes: readonly Vote[]): UnplacedNode[] {
  const listed = votes.flatMap(({ nodes }) => uniqueById(nodes))
  const byNode = [...Map.groupBy(listed, ({ signed }) => toHex(signed.descriptor.identityKey))]
  const known = nodesById(ground.previous)
  const served = nodesById(ground.revealed)
  return byNode
    .filter(([, entries]) => 2 * entries.length > votes.length)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, entries]) => {
      const signed = agreedDescriptor(ground, entries)
      return signed ? [judge(ground, signed, medians(entries), known.get(id), served.get(id))] : []
    })
    .slice(0, MAX_NODES)
}

/** A vote that lists a node twice says nothing about it. */
function uniqueById(nodes: Vote['nodes']): Listed[] {
  const groups = Map.groupBy(nodes, ({ signed }) => toHex(signed.descriptor.identityKey))
  return [...groups.values()].flatMap((group) => (group.length === 1 ? group : []))
}

/**
 * The descriptor that most votes have; of several the highest revision, then the lowest digest. None if the node itself signed two
 * of one revision: it would be shown to different people as different nodes.
 */
function agreedDescriptor({ trust, epoch }: Ground, entries: readonly Listed[]): SignedDescriptor | undefined {
  const fitting = entries
    .map(({ signed }) => ({ signed, digest: toHex(descriptorDigest(signed)) }))
    .filter(({ signed: { descriptor } }) => descriptor.epoch === epoch && equalBytes(descriptor.network, trust.network))
  const groups = [...Map.groupBy(fitting, ({ digest }) => digest)]
    .map(([digest, group]) => ({ digest, signed: group[0]!.signed, votes: group.length }))
    .filter(({ signed }) => isGenuineDescriptor(signed))
  const revisions = new Set(groups.map(({ signed }) => signed.descriptor.revision))
  if (revisions.size < groups.length) return undefined
  groups.sort(
    (a, b) =>
      b.votes - a.votes ||
      b.signed.descriptor.revision - a.signed.descriptor.revision ||
      (a.digest < b.digest ? -1 : 1),
  )
  return groups[0]?.signed
}

function judge(
  ground: Ground,
  signed: SignedDescriptor,
  measured: NodeMeasure,
  known: ConsensusNode | undefined,
  served: ConsensusNode | undefined,
): UnplacedNode {
  const reveal = revealState(ground, signed.descriptor, served)
  const faults = nextFaults(known?.faults ?? served?.faults ?? 0, reveal)
  const weight = lotteryWeight({ ...measured, faults })
  return { signed, measured, reveal, faults, weight, isWaiting: isTooNew(ground, signed.descriptor, known) }
}

/** Whether the node explained the delays of the epoch it served `REVEAL_LAG` epochs ago. */
function revealState(
  { revealed, checkReveal }: Ground,
  { reveal }: Descriptor,
  served: ConsensusNode | undefined,
): RevealState {
  if (!revealed || !served || served.place === 'waiting' || served.place === 'reserve') return 'none'
  if (!reveal) return 'missing'
  return openReveal(revealed, served, reveal, checkReveal) ? 'valid' : 'wrong'
}

/**
 * Keys that were not named in the consensus before could have been chosen to suit this epoch's beacon. In the first consensus none
 * was; there, uploads close before authorities show their parts of the beacon.
 */
function isTooNew({ previous, epoch }: Ground, now: Descriptor, known: ConsensusNode | undefined): boolean {
  if (!previous) return false
  if (!known) return true
  const before = known.signed.descriptor
  const isNamed = equalBytes(now.vrfKey, before.nextVrfKey)
  // After a missing consensus the Sphinx key named for it is used up, and the next could not be named.
  const isSphinxNamed = previous.epoch < epoch - 1 || equalBytes(now.sphinxKey, before.nextSphinxKey)
  return !isNamed || !isSphinxNamed
}

/** Gateways stay gateways; the lottery seats the mixes. */
export function placeNodes(
  beacon: Uint8Array,
  epoch: number,
  { nodesPerLayer }: NetworkParameters,
  nodes: readonly UnplacedNode[],
): ConsensusNode[] {
  const candidates = nodes
    .filter(({ signed, isWaiting }) => !isWaiting && signed.descriptor.role === 'mix')
    .map(({ signed, weight }) => ({ id: signed.descriptor.identityKey, weight }))
  const layerOf = drawLayers({ beacon, epoch }, candidates, { layers: LAYERS.length, nodesPerLayer })
  return nodes.map(({ isWaiting, ...node }) => ({ ...node, place: placeOf(node, isWaiting, layerOf) }))
}

function placeOf(
  { signed: { descriptor } }: Omit<UnplacedNode, 'isWaiting'>,
  isWaiting: boolean,
  layerOf: Map<string, number>,
): Place {
  if (isWaiting) return 'waiting'
  if (descriptor.role === 'gateway') return 'gateway'
  // Layers are numbered from 0 in both.
  return (layerOf.get(toHex(descriptor.identityKey)) as Layer | undefined) ?? 'reserve'
}

function medians(entries: readonly Listed[]): NodeMeasure {
  const median = (field: keyof NodeMeasure) => {
    const values = entries.map(({ measured }) => measured[field]).sort((a, b) => a - b)
    return values[(values.length - 1) >> 1]!
  }
  return { reputation: median('reputation'), performance: median('performance'), stake: median('stake') }
}

function nodesById(consensus: Consensus | undefined): Map<string, ConsensusNode> {
  return new Map(consensus?.nodes.map((node) => [toHex(node.signed.descriptor.identityKey), node]))
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b)
}

function byHex(a: Uint8Array, b: Uint8Array): number {
  return toHex(a) < toHex(b) ? -1 : 1
}
