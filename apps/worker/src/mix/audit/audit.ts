import { epochAt, findNode, REVEAL_LAG, startOf } from '@fog/betanet/directory'
import { type Clock, fromHex, toHex } from '@fog/kernel'
import { whyOf } from '../mix-error.ts'
import { fingerprintOf } from '../network-pin.ts'
import type { PeerNetwork } from '../peer/peer-network.ts'
import type { ProbeRecord } from '../peer/probe-record.ts'
import { auditChain, type Chain, type EpochFinding, type RevealFinding } from './chain.ts'
import { type HistogramFinding, judgeHistogram } from './histograms.ts'
import { auditProbes, DEFAULT_PROBE_LIMITS, type ProbeFinding, type ProbeLimits } from './probes.ts'

export interface AuditedNode {
  readonly nodeId: string
  readonly operator: string
  readonly role: string
  readonly place: string
  readonly weight: number
  readonly faults: number
  readonly reveals: Readonly<Record<RevealFinding['state'], number>>
  readonly histograms: Readonly<Record<HistogramFinding['state'], number>>
  readonly probes: ProbeFinding | undefined
}

export interface Audit {
  readonly fingerprint: string
  readonly epochs: readonly EpochFinding[]
  readonly nodes: readonly AuditedNode[]
  readonly reveals: readonly RevealFinding[]
  readonly histograms: readonly HistogramFinding[]
  readonly probes: { readonly explained: number; readonly waiting: number }
  /** What was looked at, in words. */
  readonly checked: readonly string[]
  /** What is wrong, in words. An audit with none found nothing. */
  readonly faults: readonly string[]
  /** What cannot be known from here and now, in words. */
  readonly unknown: readonly string[]
}

export interface AuditRequest {
  /** Hex; all nodes where it is left out. */
  readonly nodeId: string | undefined
  /** From this epoch on; both ends are looked at. */
  readonly from: number
  readonly to: number
  readonly probes: readonly ProbeRecord[]
  readonly limits?: ProbeLimits | undefined
}

/** Asks the directory for what it signed, and checks all of it that can be checked. */
export async function audit(network: PeerNetwork, clock: Clock, request: AuditRequest): Promise<Audit> {
  const { rules, http } = network
  const documents = new Map<number, Uint8Array | undefined>()
  const silence = new Set<string>()
  for (let epoch = Math.max(1, request.from); epoch <= request.to; epoch++) {
    const bytes = await http.consensus(epoch).catch((fault: unknown) => void silence.add(whyOf(fault)))
    documents.set(epoch, bytes ?? undefined)
  }
  const chain = auditChain(rules, documents)
  const isAsked = ({ nodeId }: { readonly nodeId: string }) => request.nodeId === undefined || nodeId === request.nodeId
  const reveals = chain.reveals.filter(isAsked)
  const limits = request.limits ?? DEFAULT_PROBE_LIMITS
  const histograms = await auditHistograms(network, chain, reveals, limits)
  const probed = auditProbes(chain, request.probes, limits)
  const probes = probed.findings.filter(isAsked)
  const nodes = auditedNodes(chain, reveals, histograms, probes).filter(isAsked)
  return {
    fingerprint: fingerprintOf(rules),
    epochs: chain.epochs,
    nodes,
    reveals,
    histograms,
    probes: { explained: probed.explained, waiting: probed.waiting.length },
    checked: checkedTexts(chain, reveals, histograms, probed.explained),
    faults: faultTexts(chain, reveals, histograms, probes),
    unknown: [...silence, ...unknownTexts(network, clock, chain, request, nodes, probed.waiting)],
  }
}

async function auditHistograms(
  { http }: PeerNetwork,
  chain: Chain,
  reveals: readonly RevealFinding[],
  limits: ProbeLimits,
): Promise<HistogramFinding[]> {
  const found: HistogramFinding[] = []
  for (const { nodeId, epoch } of reveals) {
    const promised = findNode(chain.consensuses.get(epoch + REVEAL_LAG)!, fromHex(nodeId)!)?.signed.descriptor
    // Whoever promises none counted none: it served no packet with a delay, or its operator does not publish any.
    if (!promised?.histogramDigest) continue
    const bytes = await http.reportOf(epoch, nodeId).catch(() => undefined)
    found.push({ nodeId, epoch, ...judgeHistogram(bytes, promised.histogramDigest, { nodeId, epoch }, limits) })
  }
  return found
}

function auditedNodes(
  { consensuses }: Chain,
  reveals: readonly RevealFinding[],
  histograms: readonly HistogramFinding[],
  probes: readonly ProbeFinding[],
): AuditedNode[] {
  // As the newest sound consensus has it that lists the node.
  const latest = new Map(
    [...consensuses.values()]
      .flatMap(({ nodes }) => nodes)
      .map((node) => [toHex(node.signed.descriptor.identityKey), node]),
  )
  return [...latest].map(([nodeId, { signed, place, weight, faults }]) => {
    const { operator, role } = signed.descriptor
    const countOf = <State extends string>(
      found: readonly { readonly nodeId: string; readonly state: State }[],
      ...states: readonly State[]
    ) => {
      const own = found.filter((each) => each.nodeId === nodeId)
      return Object.fromEntries(
        states.map((state) => [state, own.filter((each) => each.state === state).length]),
      ) as Record<State, number>
    }
    return {
      nodeId,
      operator,
      role,
      place: String(place),
      weight,
      faults,
      reveals: countOf(reveals, 'valid', 'missing', 'wrong', 'unlisted'),
      histograms: countOf(histograms, 'fits', 'late', 'early', 'slow', 'disowned', 'missing'),
      probes: probes.find((probe) => probe.nodeId === nodeId),
    }
  })
}

function checkedTexts(
  { epochs }: Chain,
  reveals: readonly RevealFinding[],
  histograms: readonly HistogramFinding[],
  probes: number,
): string[] {
  const sound = epochs.filter(({ status }) => status === 'sound')
  const linked = sound.filter(({ follows }) => follows).length
  const counted = histograms.reduce((sum, { packets }) => sum + packets, 0)
  return [
    `${sound.length} of ${epochs.length} consensuses: signatures of the pinned authorities, times, the beacon's parts, every descriptor, weight and place drawn again`,
    `${linked} of them follow on the one before, by beacon and digest`,
    `${reveals.length} reveals against the VRF keys and Sphinx keys named beforehand, and that faults are counted by them`,
    `${histograms.length} histograms of ${counted} delays against the exponential, and against the digests promised`,
    `${probes} probes against the delays that the reveals of all their hops give`,
  ]
}

const NODE_CHARS = 12

function faultTexts(
  { epochs }: Chain,
  reveals: readonly RevealFinding[],
  histograms: readonly HistogramFinding[],
  probes: readonly ProbeFinding[],
): string[] {
  const short = (nodeId: string) => nodeId.slice(0, NODE_CHARS)
  return [
    ...epochs
      .filter(({ status }) => status === 'flawed')
      .map(({ epoch, flaws }) => `The consensus of epoch ${epoch} is flawed: ${flaws.join(', ')}.`),
    ...reveals
      .filter(({ state }) => state === 'wrong' || state === 'missing')
      .map(({ nodeId, epoch, state }) => `The node ${short(nodeId)} has a ${state} reveal of epoch ${epoch}.`),
    ...histograms
      .filter(({ state }) => state === 'early' || state === 'slow' || state === 'disowned')
      .map(({ nodeId, epoch, state, pValue }) =>
        state === 'disowned'
          ? `The node ${short(nodeId)} shows another histogram of epoch ${epoch} than it promised.`
          : `Packets left the node ${short(nodeId)} too ${state === 'early' ? 'soon' : 'late'} in epoch ${epoch} for the delays it had to draw (p = ${pValue?.toExponential(1)}).`,
      ),
    ...probes
      .filter(({ verdict }) => verdict === 'early' || verdict === 'late' || verdict === 'lossy')
      .map(({ nodeId, verdict, packets, early, late, lost }) => {
        const bad = { early, late, lossy: lost }[verdict as 'early' | 'late' | 'lossy']
        const what = { early: 'let go before their time', late: 'kept too long', lossy: 'never seen again' }
        return `Of ${packets} probes through the node ${short(nodeId)}, ${bad} were ${what[verdict as 'early' | 'late' | 'lossy']}.`
      }),
  ]
}

function unknownTexts(
  { rules }: PeerNetwork,
  clock: Clock,
  { epochs, reveals }: Chain,
  { to }: AuditRequest,
  nodes: readonly AuditedNode[],
  waiting: readonly ProbeRecord[],
): string[] {
  const missing = epochs.filter(({ status }) => status === 'missing').map(({ epoch }) => epoch)
  const unlisted = reveals.filter(({ state }) => state === 'unlisted').length
  const lastWaiting = waiting.at(-1)?.epoch
  const dueAt =
    lastWaiting === undefined ? 0 : startOf(rules.schedule, lastWaiting + REVEAL_LAG) - rules.schedule.closeMs
  const unprobed = nodes.filter(({ probes }) => probes === undefined || probes.verdict === 'too_few').length
  const unclear = nodes.filter(({ probes }) => probes?.verdict === 'unclear').length
  const now = epochAt(rules.schedule, clock.now())
  return [
    ...(missing.length > 0 ? [`Consensuses of the epochs ${missing.join(', ')} were not served.`] : []),
    `Delays of the epochs ${Math.max(1, to - REVEAL_LAG + 1)} to ${Math.max(now, to)} are not revealed yet.`,
    ...(unlisted > 0 ? [`${unlisted} reveals could not be seen: their nodes were not listed when they were due.`] : []),
    ...(waiting.length > 0
      ? [
          dueAt > clock.now()
            ? `${waiting.length} probes wait for reveals, due at ${new Date(dueAt).toISOString()}: audit again then.`
            : `${waiting.length} probes went through a node whose reveal never came, or of epochs not looked at.`,
        ]
      : []),
    ...(unprobed > 0 ? [`${unprobed} nodes have too few probes to say whether they kept to their delays.`] : []),
    ...(unclear > 0
      ? [`${unclear} nodes were no worse than the ways that avoid them: it may be the network, or this machine.`]
      : []),
    'Reputation, performance and stake are what the authorities say: who measures them sees more than is signed.',
    'Whether a node tells others what it sees leaves no trace.',
  ]
}
