import {
  type Consensus,
  type ConsensusNode,
  findNode,
  openReveal,
  REVEAL_LAG,
  type DirectoryRules,
  signedConsensusForm,
  signersOf,
  startOf,
} from '@fog/betanet/directory'
import { type DelaySource } from '@fog/betanet/delay'
import { follows, nextFaults, type RevealState, verifyLottery } from '@fog/betanet/lottery'
import { equalBytes, toHex } from '@fog/kernel'

/** What was found of one epoch's consensus. */
export interface EpochFinding {
  readonly epoch: number
  /** `sound`: all that can be checked of it holds. */
  readonly status: 'sound' | 'flawed' | 'missing'
  readonly signatures: number
  readonly nodes: number
  readonly flaws: readonly string[]
  /** Whether its beacon and digest follow on the epoch before; undefined where that one is not there. */
  readonly follows: boolean | undefined
}

/** What a node owed for an epoch it served, and what came. */
export interface RevealFinding {
  readonly nodeId: string
  /** The epoch whose delays it explains. */
  readonly epoch: number
  /** `unlisted`: the node was not in the consensus in which it was due, so nobody could see it. */
  readonly state: 'valid' | 'missing' | 'wrong' | 'unlisted'
}

/** Consensuses of some epochs, all of which were looked at, in order. */
export interface Chain {
  readonly epochs: readonly EpochFinding[]
  readonly reveals: readonly RevealFinding[]
  /** Of the epochs that are sound. */
  readonly consensuses: ReadonlyMap<number, Consensus>
  /** The delays a node had in an epoch, where its reveal is valid. */
  sourceOf(epoch: number, nodeId: string): DelaySource | undefined
}

/**
 * Checks consensuses as one who trusts nothing but the pinned keys: signatures, times, the beacon and what it follows on, every
 * descriptor, weight and place, and that reveals and faults are what they are said to be.
 */
export function auditChain(rules: DirectoryRules, documents: ReadonlyMap<number, Uint8Array | undefined>): Chain {
  const consensuses = new Map<number, Consensus>()
  const sources = new Map<string, DelaySource>()
  const epochs: EpochFinding[] = []
  const reveals: RevealFinding[] = []
  for (const epoch of [...documents.keys()].sort((a, b) => a - b)) {
    const bytes = documents.get(epoch)
    const found = bytes ? readConsensus(bytes) : undefined
    if (found === undefined) {
      epochs.push({ epoch, status: 'missing', signatures: 0, nodes: 0, flaws: [], follows: undefined })
      continue
    }
    if (typeof found === 'string') {
      epochs.push({ epoch, status: 'flawed', signatures: 0, nodes: 0, flaws: [found], follows: undefined })
      continue
    }
    const { consensus } = found
    const keys = rules.authorities.map(({ signingKey }) => signingKey)
    const signatures = signersOf(found, keys).size
    const before = consensuses.get(epoch - 1)
    const past = consensuses.get(epoch - REVEAL_LAG)
    const due = past ? revealsOf(past, consensus, sources) : []
    const flaws = [
      ...(signatures < rules.threshold ? ['too_few_signatures'] : []),
      ...timeFlaws(rules, epoch, consensus),
      ...verifyLottery(rules, consensus),
      ...(past ? judgementFlaws(consensus, before, past, due) : []),
    ]
    const isFollowing = before && follows(before, consensus)
    if (isFollowing === false) flaws.push('does_not_follow')
    if (flaws.length === 0) {
      consensuses.set(epoch, consensus)
      reveals.push(...due)
    }
    const status = flaws.length === 0 ? 'sound' : 'flawed'
    epochs.push({ epoch, status, signatures, nodes: consensus.nodes.length, flaws, follows: isFollowing })
  }
  return { epochs, reveals, consensuses, sourceOf: (epoch, nodeId) => sources.get(`${epoch} ${nodeId}`) }
}

function readConsensus(bytes: Uint8Array): ReturnType<typeof signedConsensusForm.parse> | string {
  try {
    return signedConsensusForm.parse(bytes)
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault)
  }
}

function timeFlaws({ network, schedule }: DirectoryRules, epoch: number, consensus: Consensus): string[] {
  const flaws: string[] = []
  if (consensus.epoch !== epoch) flaws.push('of_another_epoch')
  if (!equalBytes(consensus.network, network)) flaws.push('of_another_network')
  const isOnTime =
    consensus.validAfter === startOf(schedule, epoch) && consensus.freshUntil === startOf(schedule, epoch + 1)
  if (!isOnTime) flaws.push('not_of_the_schedule')
  return flaws
}

/** Who served in `past` owes a reveal in `now`. */
function revealsOf(past: Consensus, now: Consensus, sources: Map<string, DelaySource>): RevealFinding[] {
  return past.nodes.filter(isServing).map((served) => {
    const nodeId = toHex(served.signed.descriptor.identityKey)
    const listed = findNode(now, served.signed.descriptor.identityKey)
    const reveal = listed?.signed.descriptor.reveal
    const source = reveal && openReveal(past, served, reveal)
    if (source) sources.set(`${past.epoch} ${nodeId}`, source)
    const state = !listed ? 'unlisted' : !reveal ? 'missing' : source ? 'valid' : 'wrong'
    return { nodeId, epoch: past.epoch, state }
  })
}

function isServing({ place }: ConsensusNode): boolean {
  return place !== 'waiting' && place !== 'reserve'
}

/** Whether the consensus says of each node's reveal what is true, and counts its faults by that. */
function judgementFlaws(
  { nodes }: Consensus,
  before: Consensus | undefined,
  past: Consensus,
  due: readonly RevealFinding[],
): string[] {
  const flaws = new Set<string>()
  const states = new Map(due.map(({ nodeId, state }) => [nodeId, state]))
  for (const node of nodes) {
    const id = node.signed.descriptor.identityKey
    const state = states.get(toHex(id))
    const reveal: RevealState = state === undefined || state === 'unlisted' ? 'none' : state
    if (node.reveal !== reveal) flaws.add('reveal_misjudged')
    if (!before) continue
    const faults = findNode(before, id)?.faults ?? findNode(past, id)?.faults ?? 0
    if (node.faults !== nextFaults(faults, node.reveal)) flaws.add('faults_do_not_follow')
  }
  return [...flaws]
}
