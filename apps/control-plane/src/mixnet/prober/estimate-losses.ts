/** What came of one packet that was sent through the network to its sender. */
export interface LoopOutcome {
  /** Identity keys in hex, from the entry gateway to the exit. A gateway that did not let the sender in is a way of one hop. */
  readonly hops: readonly string[]
  /** Milliseconds from sent to back; undefined when it never came. */
  readonly tookMs: number | undefined
}

/** What loops say of a node. */
export interface NodeEstimate {
  /** Loops through it, and how many of those never came back: that says which ways lost packets, not who did. */
  readonly loops: number
  readonly lost: number
  /** The most likely share of packets that it dropped itself: 0 to 1. */
  readonly lossRate: number
}

/** What the estimate is made of, for whoever looks closer: by loop, how much of its loss each hop is likely to bear. */
export interface Estimate {
  readonly nodes: ReadonlyMap<string, NodeEstimate>
  /** The share of packets that no node bears: what all ways lose alike. */
  readonly commonRate: number
  /** For each loop that was lost, one number a hop, which add up to 1 less what nobody bears. */
  readonly blames: ReadonlyMap<LoopOutcome, readonly number[]>
}

/** So many loops through a node make it count when the common loss is looked for. */
const ENOUGH_LOOPS = 20
const MOST_ROUNDS = 300
/** Rates that move less in a round have settled. */
const SETTLED = 1e-6
/** A rate that begins at 0 would stay there. */
const LEAST_RATE = 1e-6
const MOST_RATE = 0.999_999
/** Packets: less than half of one. */
const FEWEST_CAME = 0.5

/**
 * How many packets each node drops, from which ways lost some. A lost loop blames nobody by itself: the chance that it comes back
 * is the product of its hops' chances to forward it. The rates that make all that was seen most likely are found by expectation
 * maximisation (Dempster, Laird and Rubin 1977) for losses along paths as in network tomography (Coates, Hero, Nowak and Yu,
 * "Internet tomography", 2002): a lost loop ended at hop k with chance r_k times that of getting there; rates are what ended at a
 * node over what got there; again until both agree.
 *
 * Each way crosses one node of each layer, so a loss that all ways share cannot be laid at any node's door: it may as well be a
 * bit of it in any layer. It is borne by nobody: such a hop, on every way, begins with the loss of the best node's ways, and nodes
 * with what their ways lose beyond that. So the best node of a layer counts as losing nothing, rates are what others lose more
 * than it, and a network of which nothing comes back takes no node's weight away.
 */
export function estimateLosses(loops: readonly LoopOutcome[]): Estimate {
  const index = new Map<string, number>()
  const ways = loops.map(({ hops }) => hops.map((hop) => indexOf(index, hop)))
  const nobody = index.size
  const [seen, lost, passed] = [new Float64Array(nobody), new Float64Array(nobody), new Float64Array(nobody + 1)]
  const broken = new Map<string, BrokenWay>()
  loops.forEach(({ tookMs }, i) => {
    const way = ways[i]!
    for (const node of new Set(way)) {
      seen[node]! += 1
      if (tookMs === undefined) lost[node]! += 1
    }
    if (tookMs === undefined) return addBroken(broken, way, nobody)
    for (const node of [nobody, ...way]) passed[node]! += 1
  })
  const rates = firstRates(seen, lost)
  settle(rates, passed, [...broken.values()])
  const blameOf = (way: readonly number[]) => [...blame(rates, broken.get(way.join())!.hops)].slice(1)
  return {
    nodes: new Map([...index].map(([node, i]) => [node, { loops: seen[i]!, lost: lost[i]!, lossRate: rates[i]! }])),
    commonRate: rates[nobody]!,
    blames: new Map(loops.flatMap((loop, i) => (loop.tookMs === undefined ? [[loop, blameOf(ways[i]!)]] : []))),
  }
}

/** A way that lost packets, and how many. Nobody is its first hop. */
interface BrokenWay {
  readonly hops: readonly number[]
  packets: number
}

function addBroken(broken: Map<string, BrokenWay>, way: readonly number[], nobody: number): void {
  const known = broken.get(way.join()) ?? { hops: [nobody, ...way], packets: 0 }
  known.packets += 1
  broken.set(way.join(), known)
}

function firstRates(seen: Float64Array, lost: Float64Array): Float64Array {
  const shares = seen.map((loops, i) => lost[i]! / loops)
  const known = shares.filter((_, i) => seen[i]! >= ENOUGH_LOOPS)
  const common = (known.length > 0 ? known : shares).reduce((least, share) => Math.min(least, share), 1)
  const rates = new Float64Array(seen.length + 1)
  shares.forEach((share, i) => (rates[i] = inside(share - common)))
  rates[seen.length] = inside(common)
  return rates
}

/** Rounds of expectation and maximisation, in place. `passed`: what certainly came through each node. */
function settle(rates: Float64Array, passed: Float64Array, broken: readonly BrokenWay[]): void {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const ended = new Float64Array(rates.length)
    const came = passed.slice()
    for (const { hops, packets } of broken) {
      let there = packets
      blame(rates, hops).forEach((share, k) => {
        came[hops[k]!]! += there
        ended[hops[k]!]! += packets * share
        there -= packets * share
      })
    }
    let moved = 0
    for (let i = 0; i < rates.length; i++) {
      // Where nothing is likely to have come, nothing is known.
      const rate = came[i]! >= FEWEST_CAME ? Math.min(MOST_RATE, ended[i]! / came[i]!) : 0
      moved = Math.max(moved, Math.abs(rate - rates[i]!))
      rates[i] = rate
    }
    if (moved < SETTLED) return
  }
}

/** With which chance a packet that was lost on this way ended at each of its hops. */
function blame(rates: Float64Array, hops: readonly number[]): Float64Array {
  const shares = new Float64Array(hops.length)
  let there = 1
  hops.forEach((node, k) => {
    shares[k] = there * rates[node]!
    there *= 1 - rates[node]!
  })
  const lost = 1 - there
  return lost > 0 ? shares.map((share) => share / lost) : shares.fill(1 / hops.length)
}

function indexOf(index: Map<string, number>, node: string): number {
  const known = index.get(node)
  if (known !== undefined) return known
  index.set(node, index.size)
  return index.size - 1
}

function inside(rate: number): number {
  return Math.min(MOST_RATE, Math.max(LEAST_RATE, rate))
}
