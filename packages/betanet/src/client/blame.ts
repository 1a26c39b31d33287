/** What became of a loop: `late` is one that came back, but took longer than delays and slack explain. */
export type LoopFate = 'back' | 'late' | 'lost'

export interface LoopOutcome {
  /** In hex, each once. */
  readonly hops: readonly string[]
  readonly fate: LoopFate
}

/** What a client's loops say of a node. */
export interface NodeSuspicion {
  /** In hex. */
  readonly nodeId: string
  /** Loops through it that came back or are lost. */
  readonly loops: number
  readonly lost: number
  readonly late: number
  /** How many of the lost ones it dropped, as far as that explains all losses best. */
  readonly blamed: number
  /** `blamed` of `loops`: 0 to 1. */
  readonly lossRate: number
  /** Of the loops through it that came back, the share that it made late, found in the same way. */
  readonly lateRate: number
  /**
   * `losing`: it drops more than an honest node would. `blocking`: it drops most packets, as in an n-1 attack, where all but a
   * victim's packets are held back. `delaying`: it holds many longer than it may. `unknown`: too few loops went through it, or
   * around it, to tell.
   */
  readonly standing: 'good' | 'losing' | 'blocking' | 'delaying' | 'unknown'
}

/** Fewer loops through a node, or around it, say nothing about it. */
export const FEWEST_LOOPS = 20
/** An honest node on a working network stays far below the first; one that blocks is far above the second. */
export const LOSING_RATE = 0.03
export const BLOCKING_RATE = 0.5
/** Above what each of four or five hops is given when all loops are late, because this machine is. */
export const DELAYING_RATE = 0.3
/** A node's rate must surely be so much worse than the middle one of all: what is bad everywhere is nobody's fault. */
const APART = 2
/** Of the normal distribution, one-sided: one honest node in a thousand is wrongly named at the limit. */
const SURE = 3.09
const ROUNDS = 60

/** The nodes that these loops went through, the most suspicious first. */
export function suspicions(outcomes: readonly LoopOutcome[]): NodeSuspicion[] {
  const losses = blame(outcomes, 'lost')
  const delays = blame(
    outcomes.filter(({ fate }) => fate !== 'lost'),
    'late',
  )
  const [usualLoss, usualDelay] = [medianRate(losses), medianRate(delays)]
  return [...losses]
    .map(([nodeId, loss]) => {
      const delay = delays.get(nodeId) ?? NO_BLAME
      const { loops, bad: lost, blamed, rate: lossRate } = loss
      const standing = isTold(loss, delay)
        ? standingOf(worseThan(usualLoss, loss), worseThan(usualDelay, delay))
        : 'unknown'
      return { nodeId, loops, lost, late: delay.bad, blamed, lossRate, lateRate: delay.rate, standing }
    })
    .sort((a, b) => Math.max(b.lossRate, b.lateRate) - Math.max(a.lossRate, a.lateRate))
}

interface Blame {
  /** Through the node, and those of them that fared badly. */
  loops: number
  bad: number
  readonly loopsAround: number
  blamed: number
  rate: number
}

const NO_BLAME: Blame = { loops: 0, bad: 0, loopsAround: 0, blamed: 0, rate: 0 }

/**
 * Who dropped what is not seen, only which paths lost a packet. Each lost loop is blamed on its hops in proportion to their loss
 * rates, and rates follow from blame, until both agree (expectation maximisation, Dempster and others 1977): the node that is
 * on all broken paths and on few whole ones ends up with the blame. The same for loops that were late.
 */
function blame(outcomes: readonly LoopOutcome[], fate: LoopFate): Map<string, Blame> {
  const broken = outcomes.filter((outcome) => outcome.fate === fate)
  const nodes = new Map<string, Blame>()
  for (const hop of new Set(outcomes.flatMap(({ hops }) => hops))) {
    const through = outcomes.filter(({ hops }) => hops.includes(hop)).length
    const bad = broken.filter(({ hops }) => hops.includes(hop)).length
    nodes.set(hop, { loops: through, bad, loopsAround: outcomes.length - through, blamed: 0, rate: bad / through })
  }
  for (let round = 0; round < ROUNDS && broken.length > 0; round++) {
    for (const node of nodes.values()) node.blamed = 0
    for (const { hops } of broken) {
      const sum = hops.reduce((total, hop) => total + nodes.get(hop)!.rate, 0)
      for (const hop of hops) nodes.get(hop)!.blamed += sum > 0 ? nodes.get(hop)!.rate / sum : 0
    }
    for (const node of nodes.values()) node.rate = node.blamed / node.loops
  }
  return nodes
}

/** Whether there are loops enough through the node, and around it if any went wrong. */
function isTold(loss: Blame, delay: Blame): boolean {
  return loss.loops >= FEWEST_LOOPS && (loss.loopsAround >= FEWEST_LOOPS || loss.bad + delay.bad === 0)
}

/** By the rates that the node is surely above. */
function standingOf(loss: number, delay: number): NodeSuspicion['standing'] {
  if (loss > BLOCKING_RATE) return 'blocking'
  if (loss > LOSING_RATE) return 'losing'
  return delay > DELAYING_RATE ? 'delaying' : 'good'
}

/** The rate that the node is surely above; 0 where that may be as usual. */
function worseThan(usual: number, node: Blame): number {
  const least = node.loops < FEWEST_LOOPS ? 0 : surelyAbove(node)
  return least > APART * usual ? least : 0
}

function medianRate(nodes: ReadonlyMap<string, Blame>): number {
  const rates = [...nodes.values()].map(({ rate }) => rate).sort((a, b) => a - b)
  return rates[rates.length >> 1] ?? 0
}

/** The rate that the true one is above (Wilson's score interval, 1927). */
function surelyAbove({ rate, loops }: Blame): number {
  const square = SURE * SURE
  const middle = rate + square / (2 * loops)
  const spread = SURE * Math.sqrt((rate * (1 - rate)) / loops + square / (4 * loops * loops))
  return (middle - spread) / (1 + square / loops)
}
