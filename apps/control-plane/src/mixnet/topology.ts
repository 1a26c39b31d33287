import type { MixFlowView, MixProbeView, MixReportView, TopologyNodeView, TopologyView } from '@fog/contract'
import { type ConsensusNode, signedReportForm, startOf } from '@fog/betanet/directory'
import { type AccountId, toHex, toRfc3339 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import type { Platform } from '../platform.ts'
import { MixnetError } from './mixnet-error.ts'
import type { Mixnet } from './mixnet.ts'
import { signersOf } from './place-flow.ts'
import type { ProbeSum } from './probes.ts'
import { type MixFlow, type MixNodeRecord, type MixReport, type MixTraffic, TRAFFIC_FIELDS } from './stores.ts'

/**
 * Who mixes where in an epoch, in the one that runs unless said, as `accountId` sees it. Before the first consensus there is nobody.
 * Throws `mixnet.no_consensus` for an epoch that has none.
 */
export async function topologyOf(
  { database, clock }: Platform,
  mixnet: Mixnet,
  { accountId, epoch: wanted }: { readonly accountId: AccountId; readonly epoch?: number | undefined },
): Promise<TopologyView> {
  const { threshold, schedule } = mixnet.rules
  // While an epoch runs that nobody agreed on, the last one before it still holds.
  const epoch = wanted ?? (await mixnet.directory.lastConsensusEpoch(Math.max(mixnet.epoch, 1) + 1))
  const signed = epoch === undefined ? undefined : await mixnet.directory.readConsensus(epoch)
  if (wanted !== undefined && !signed) throw new MixnetError({ code: 'mixnet.no_consensus', epoch: wanted })
  if (epoch === undefined || !signed) return { epoch: 0, signatures: 0, threshold, nodes: [] }
  const { consensus, signatures } = signed
  const keys = consensus.nodes.map(keyOf)
  const [records, probes, ...reports] = await Promise.all([
    database.read.mixnet.findNodes(keys),
    mixnet.probes.read(keys, clock.now()),
    // Nodes report an epoch in the one after: early in it, what is known is of the one before.
    database.read.mixnet.listReports(mixnet.name, epoch - 2),
    database.read.mixnet.listReports(mixnet.name, epoch - 1),
    database.read.mixnet.listReports(mixnet.name, epoch),
  ])
  // The newer one counts.
  const reported = new Map(reports.flat().map((report) => [report.identityKey, report]))
  const bytes = await mixnet.directory.findConsensus(epoch)
  return {
    epoch,
    validAfter: toRfc3339(startOf(schedule, epoch)),
    freshUntil: toRfc3339(consensus.freshUntil),
    validUntil: toRfc3339(consensus.validUntil),
    ...(bytes && { digest: toHex(sha256(bytes)) }),
    beacon: toHex(consensus.beacon),
    signatures: signatures.length,
    signedBy: signersOf(signatures, mixnet.rules),
    threshold,
    nodes: consensus.nodes.map((node) => {
      const key = keyOf(node)
      return nodeView(node, {
        accountId,
        record: records.get(key),
        probe: probes.get(key),
        report: reported.get(key),
      })
    }),
  }
}

/** Packets by epoch, the latest first, as nodes reported them. */
export async function flowOf(
  { database }: Platform,
  { name, rules }: Mixnet,
  { epochs, identityKey }: { readonly epochs: number; readonly identityKey?: string | undefined },
): Promise<MixFlowView[]> {
  const flows = await database.read.mixnet.sumReports(name, { limit: epochs, identityKey })
  return flows.map((flow: MixFlow) => ({
    epoch: flow.epoch,
    from: toRfc3339(startOf(rules.schedule, flow.epoch)),
    to: toRfc3339(startOf(rules.schedule, flow.epoch + 1)),
    nodes: flow.nodes,
    ...trafficOf(flow),
    receivedPerSecond: rounded(flow.receivedPerSecond),
    forwardedPerSecond: rounded(flow.forwardedPerSecond),
  }))
}

interface KnownOfNode {
  readonly accountId: AccountId
  readonly record: MixNodeRecord | undefined
  readonly probe: ProbeSum | undefined
  readonly report: MixReport | undefined
}

function nodeView(node: ConsensusNode, { accountId, record, probe, report }: KnownOfNode): TopologyNodeView {
  const { signed, measured, place, weight, faults, reveal } = node
  const { role, operator, packetsPerSecond, addresses } = signed.descriptor
  return {
    identityKey: keyOf(node),
    ...(record && { name: record.name }),
    operator,
    mine: record?.accountId === accountId,
    role,
    place,
    weight,
    ...measured,
    faults,
    reveal,
    packetsPerSecond,
    addresses: addresses.map((address) => ({ ...address })),
    ...(probe && { probe: probeView(probe) }),
    ...(report && { reported: reportView(report) }),
  }
}

function probeView({ sent, lost, at, standing, lossRate, meanMs }: ProbeSum): MixProbeView {
  return {
    sent,
    lost,
    at: toRfc3339(at),
    standing,
    ...(lossRate !== undefined && { lossRate: rounded(lossRate) }),
    ...(meanMs !== undefined && { meanMs: rounded(meanMs) }),
  }
}

function reportView(report: MixReport): MixReportView {
  const { epoch, at, coveredMs, received, forwarded, bytes } = report
  const { drops } = signedReportForm.parse(bytes).report
  return {
    epoch,
    at: toRfc3339(at),
    coveredMs,
    ...trafficOf(report),
    drops: { ...drops },
    receivedPerSecond: rounded((received * 1_000) / coveredMs),
    forwardedPerSecond: rounded((forwarded * 1_000) / coveredMs),
  }
}

function trafficOf(traffic: MixTraffic): MixTraffic {
  // Each field of the list, and each is there.
  return Object.fromEntries(TRAFFIC_FIELDS.map((field) => [field, traffic[field]])) as unknown as MixTraffic
}

function keyOf({ signed }: ConsensusNode): string {
  return toHex(signed.descriptor.identityKey)
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
