import { type AuditReport, auditDelays, type DelaySample, STEPS_PER_MS } from '@fog/betanet/delay'
import { fromHex } from '@fog/kernel'
import type { ProbeRecord } from '../peer/probe-record.ts'
import type { Chain } from './chain.ts'

/** What probes say of one node. */
export interface ProbeFinding {
  readonly nodeId: string
  /**
   * As `auditDelays` judges, but for `unclear`: packets were late or lost as often on ways that avoid the node, so it is the network,
   * or the machine that measures.
   */
  readonly verdict: AuditReport['verdict'] | 'unclear'
  readonly packets: number
  readonly lost: number
  readonly early: number
  readonly late: number
  /** Milliseconds: seen less what all reveals of the way say. */
  readonly errorMs: AuditReport['errorMs']
  /** The delays that the node had to keep, against the exponential; undefined for a mean of 0. */
  readonly drawn: { readonly samples: number; readonly statistic: number; readonly pValue: number } | undefined
}

/**
 * A packet's time is that of its whole way. Links, queues and timers of four hops add to it; they take nothing away. Milliseconds,
 * for a network of near machines; the far ones' distance is added by whoever knows it.
 */
export interface ProbeLimits {
  readonly uncertaintyMs: number
  readonly slackMs: number
}

export const DEFAULT_PROBE_LIMITS: ProbeLimits = { uncertaintyMs: 2, slackMs: 50 }
const FEWEST = 30
const LATE_SHARE = 0.02
/** A node is to blame when it is this many times worse than the ways that avoid it. */
const WORSE = 2

interface Explained {
  readonly probe: ProbeRecord
  /** What the reveals of all hops say, by hop, in milliseconds. */
  readonly expectedMs: readonly number[]
  readonly errorMs: number | undefined
}

export interface ProbesOutcome {
  readonly findings: readonly ProbeFinding[]
  readonly explained: number
  /** Probes that some hop's reveal is still missing for, by the epoch they were sent in. */
  readonly waiting: readonly ProbeRecord[]
}

/** Compares what probes saw with what the nodes' reveals say they had to see. */
export function auditProbes(
  chain: Chain,
  probes: readonly ProbeRecord[],
  limits: ProbeLimits = DEFAULT_PROBE_LIMITS,
): ProbesOutcome {
  const explained = probes.flatMap((probe) => explain(chain, probe) ?? [])
  const known = new Set(explained.map(({ probe }) => probe))
  const nodes = new Set(explained.flatMap(({ probe }) => probe.hops.map(({ nodeId }) => nodeId)))
  const findings = [...nodes].sort().map((nodeId) => judge(chain, explained, nodeId, limits))
  return { findings, explained: explained.length, waiting: probes.filter((probe) => !known.has(probe)) }
}

function explain(chain: Chain, probe: ProbeRecord): Explained | undefined {
  const { epoch, hops, meanSteps, tookMs } = probe
  const expectedMs: number[] = []
  for (const { nodeId, tag } of hops) {
    const source = chain.sourceOf(epoch, nodeId)
    const replayTag = fromHex(tag)
    if (!source || !replayTag) return undefined
    expectedMs.push(source.stepsFor(replayTag, meanSteps) / STEPS_PER_MS)
  }
  const total = expectedMs.reduce((sum, ms) => sum + ms, 0)
  return { probe, expectedMs, errorMs: tookMs === undefined ? undefined : tookMs - total }
}

function judge(chain: Chain, all: readonly Explained[], nodeId: string, limits: ProbeLimits): ProbeFinding {
  const isThrough = ({ probe }: Explained) => probe.hops.some((hop) => hop.nodeId === nodeId)
  const through = all.filter(isThrough)
  const report = reportOf(chain, through, nodeId, limits)
  const { packets, lost, early, late, errorMs, sampled } = report
  const others = all.filter((each) => !isThrough(each))
  const verdict = isWorse(report.verdict, through, others, limits) ? report.verdict : 'unclear'
  return { nodeId, verdict, packets, lost, early, late, errorMs, drawn: sampled[0]?.test }
}

/** The node's own share of each packet's time: all of it less what the reveals of the other hops say. */
function reportOf(
  chain: Chain,
  through: readonly Explained[],
  nodeId: string,
  { uncertaintyMs, slackMs }: ProbeLimits,
): AuditReport {
  const limits = { uncertaintyMs, slackMs, fewestSamples: FEWEST, lateShare: LATE_SHARE }
  // A node has other delays in each epoch, and so a source of its own for each; one report sums them up.
  const epochs = Map.groupBy(through, ({ probe }) => probe.epoch)
  const expected = new Map<string, number>()
  const samples = [...epochs].flatMap(([epoch, members]) =>
    members.map(({ probe, expectedMs, errorMs }): DelaySample => {
      const at = probe.hops.findIndex((hop) => hop.nodeId === nodeId)
      const replayTag = fromHex(probe.hops[at]!.tag)!
      const own = chain.sourceOf(epoch, nodeId)!.stepsFor(replayTag, probe.meanSteps)
      expected.set(probe.hops[at]!.tag, own)
      const observedMs = errorMs === undefined ? undefined : errorMs + expectedMs[at]!
      return { replayTag, meanSteps: probe.meanSteps, observedMs }
    }),
  )
  const stepsFor = (replayTag: Uint8Array) => expected.get(Buffer.from(replayTag).toString('hex')) ?? 0
  return auditDelays({ stepsFor }, samples, limits)
}

function isWorse(
  verdict: AuditReport['verdict'],
  through: readonly Explained[],
  others: readonly Explained[],
  { uncertaintyMs, slackMs }: ProbeLimits,
): boolean {
  const badShare = (some: readonly Explained[], isBad: (errorMs: number | undefined) => boolean) =>
    some.length === 0 ? 0 : some.filter(({ errorMs }) => isBad(errorMs)).length / some.length
  const isBad = {
    early: (errorMs: number | undefined) => errorMs !== undefined && errorMs < -uncertaintyMs,
    late: (errorMs: number | undefined) => errorMs !== undefined && errorMs > uncertaintyMs + slackMs,
    lossy: (errorMs: number | undefined) => errorMs === undefined,
  }
  if (verdict === 'honest' || verdict === 'too_few') return true
  return badShare(through, isBad[verdict]) > WORSE * badShare(others, isBad[verdict])
}
