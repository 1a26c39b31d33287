import type { TopologyNodeView } from '@fog/contract'
import { formatCount, formatNumber, sentenceOf, shortId } from '../../format/format.ts'
import type { Tone } from '../../parts/badge.tsx'
import type { Place } from './epochs.ts'

/** How the mixnet is spoken of. Pure. */

const PLACES: Readonly<Record<string, string>> = { gateway: 'gateway', reserve: 'in reserve', waiting: 'waiting' }

/** `gateway`, `layer 1` (the API counts layers from 0). */
export function placeText(place: Place): string {
  return typeof place === 'number' ? `layer ${place + 1}` : (PLACES[place] ?? place)
}

/** `there is no gateway, and nobody in layer 1 or 3`. */
export function missingText(places: readonly Place[]): string {
  const layers = places.filter((place) => typeof place === 'number').map((layer) => layer + 1)
  const nobody = layers.length > 0 && `nobody in layer ${layers.join(', ').replace(/, (\d)$/, ' or $1')}`
  const parts = [places.includes('gateway') && 'no gateway', nobody].filter(Boolean)
  return `there is ${parts.join(', and ')}`
}

export function placeHeading(place: Place): string {
  return place === 'gateway' ? 'Gateways' : sentenceOf(placeText(place))
}

const ORDER: readonly Place[] = ['gateway', 0, 1, 2, 'reserve', 'waiting']

/** For sorting: in the order of a packet's way. */
export function placeOrder(place: Place): number {
  return ORDER.indexOf(place)
}

export function nodeName({ name, identityKey }: { readonly name?: string; readonly identityKey: string }): string {
  return name ?? shortId(identityKey)
}

const REVEALS: Readonly<Record<string, { readonly text: string; readonly means: string; readonly tone: Tone }>> = {
  valid: {
    text: 'valid',
    means: 'It showed that its delays of two epochs before were drawn as they must be.',
    tone: 'good',
  },
  missing: { text: 'missing', means: 'It did not explain its delays of two epochs before: one fault.', tone: 'warn' },
  wrong: { text: 'wrong', means: 'What it revealed is not what it had promised: it is out.', tone: 'bad' },
  none: { text: 'none due', means: 'It served no epoch that it would have to explain.', tone: 'idle' },
}

export function revealOf(reveal: string): { readonly text: string; readonly means: string; readonly tone: Tone } {
  return REVEALS[reveal] ?? { text: reveal, means: 'This console does not know this state.', tone: 'idle' }
}

/** What is to be said of a node first: never more than the consensus holds. */
export function standingOf({ weight, faults, reveal }: Pick<TopologyNodeView, 'weight' | 'faults' | 'reveal'>): {
  readonly tone: 'good' | 'warn' | 'bad'
  readonly text: string
} {
  if (weight === 0) return { tone: 'bad', text: 'weighs nothing: it is not drawn' }
  if (reveal === 'wrong') return { tone: 'bad', text: 'its reveal is wrong' }
  if (reveal === 'missing') return { tone: 'warn', text: 'its reveal is missing' }
  if (faults > 0) return { tone: 'warn', text: faults === 1 ? '1 fault' : `${faults} faults` }
  return { tone: 'good', text: 'nothing held against it' }
}

const DROPS: Readonly<Record<string, string>> = {
  malformed: 'not a packet of the suite',
  not_genuine: 'not made for this node, or changed on the way',
  wrong_epoch: 'made for an epoch that is over or to come',
  replayed: 'seen before',
  no_route: 'for a node the directory does not list',
  node_full: 'the node had no room',
  link_full: 'the next node did not keep up or could not be reached',
  no_recipient: 'for a client that was not there, or whose inbox was full',
}

/** Why packets were dropped, in words; reasons nobody taught the console read as words. */
export function dropMeaning(reason: string): string {
  return DROPS[reason] ?? reason.replaceAll('_', ' ')
}

export function dropName(reason: string): string {
  return sentenceOf(reason)
}

/** `1 of 40 lost (2.5 %)`. */
export function lossText({ sent, lost }: { readonly sent: number; readonly lost: number }): string {
  const share = sent === 0 ? '' : ` (${formatNumber((100 * lost) / sent)} %)`
  return `${formatCount(lost)} of ${formatCount(sent)} lost${share}`
}

/** Packets a second: two digits below ten, whole above a hundred. */
export function rateText(perSecond: number): string {
  if (perSecond >= 100) return formatCount(Math.round(perSecond))
  return perSecond === 0 || perSecond >= 0.01 ? formatNumber(perSecond) : '< 0.01'
}

export interface WeightPart {
  readonly name: string
  /** Of 1000, before the bonus. */
  readonly permille: number
  readonly from: string
}

const LOSS_FACTOR = 5
const FULL_STAKE = 10_000
const MOST_FAULTS = 8

/** What a weight is made of, as docs/betanet-lottery.md says: their product, over a million. */
export function weightParts({
  reputation,
  performance,
  stake,
  faults,
}: Pick<TopologyNodeView, 'reputation' | 'performance' | 'stake' | 'faults'>): readonly WeightPart[] {
  return [
    { name: 'Reputation', permille: reputation, from: 'the trust that the devices of its owner earned' },
    {
      name: 'Service',
      permille: Math.max(0, 1000 - LOSS_FACTOR * (1000 - performance)),
      from: `performance ${formatCount(performance)} of 1,000; what is lost counts five times`,
    },
    {
      name: 'Stake',
      permille: 1000 + Math.floor(Math.sqrt((1_000_000 * Math.min(stake, FULL_STAKE)) / FULL_STAKE)),
      from: stake === 0 ? 'nothing staked' : `${formatCount(stake)} tokens staked`,
    },
    {
      name: 'Reliability',
      permille: faults >= MOST_FAULTS ? 0 : Math.floor(1000 / 2 ** faults),
      from: faults === 0 ? 'no fault' : `${formatCount(faults)} ${faults === 1 ? 'fault' : 'faults'}, each halves it`,
    },
  ]
}

/** Their product as the lottery computes it. */
export function weightOf(parts: readonly WeightPart[]): number {
  return Math.floor(parts.reduce((product, { permille }) => product * permille, 1) / 1_000_000)
}
