import type { MixPlaceFlowsView, MixPlaceFlowView } from '@fog/contract'
import {
  type ConsensusNode,
  type DirectoryRules,
  type SignedConsensus,
  signedReportForm,
  startOf,
} from '@fog/betanet/directory'
import { equalBytes, toHex, toRfc3339 } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { Mixnet } from './mixnet.ts'
import { type MixReport, TRAFFIC_FIELDS } from './stores.ts'

const PLACES = ['gateway', 0, 1, 2, 'reserve', 'waiting'] as const satisfies readonly ConsensusNode['place'][]

/** Packets of the latest `epochs` that anybody reported, by place and, where they were dropped, by reason; the latest first. */
export async function placeFlowOf(
  { database }: Platform,
  { name, rules, directory }: Mixnet,
  epochs: number,
): Promise<MixPlaceFlowsView[]> {
  const latest = await database.read.mixnet.sumReports(name, { limit: epochs })
  const views: MixPlaceFlowsView[] = []
  // One after the other: each may be a thousand reports to read.
  for (const { epoch } of latest) {
    const [signed, reports] = await Promise.all([
      directory.readConsensus(epoch),
      database.read.mixnet.listReports(name, epoch),
    ])
    views.push({
      epoch,
      from: toRfc3339(startOf(rules.schedule, epoch)),
      to: toRfc3339(startOf(rules.schedule, epoch + 1)),
      places: flowsByPlace(signed?.consensus.nodes ?? [], reports),
    })
  }
  return views
}

/** Sums of reports by the place their nodes had. Places that no node had are left out. */
export function flowsByPlace(nodes: readonly ConsensusNode[], reports: readonly MixReport[]): MixPlaceFlowView[] {
  const byNode = new Map(reports.map((report) => [report.identityKey, report]))
  return PLACES.flatMap((place) => {
    const there = nodes.filter((node) => node.place === place)
    const told = there.flatMap(({ signed }) => byNode.get(toHex(signed.descriptor.identityKey)) ?? [])
    return there.length === 0 ? [] : [placeFlow(place, there.length, told)]
  })
}

function placeFlow(place: ConsensusNode['place'], listed: number, reports: readonly MixReport[]): MixPlaceFlowView {
  const sumOf = (field: (typeof TRAFFIC_FIELDS)[number]) => reports.reduce((sum, report) => sum + report[field], 0)
  // Each field of the list, and each is there.
  const traffic = Object.fromEntries(TRAFFIC_FIELDS.map((field) => [field, sumOf(field)])) as Record<
    (typeof TRAFFIC_FIELDS)[number],
    number
  >
  return { place, listed, reported: reports.length, ...traffic, drops: dropsOf(reports) }
}

function dropsOf(reports: readonly MixReport[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { bytes } of reports) {
    for (const [reason, count] of Object.entries(signedReportForm.parse(bytes).report.drops))
      sums[reason] = (sums[reason] ?? 0) + count
  }
  return sums
}

/** Which of the network's authorities signed, from 0. */
export function signersOf(signatures: SignedConsensus['signatures'], { authorities }: DirectoryRules): number[] {
  return authorities.flatMap(({ signingKey }, index) =>
    signatures.some(({ authority }) => equalBytes(authority, signingKey)) ? [index] : [],
  )
}
