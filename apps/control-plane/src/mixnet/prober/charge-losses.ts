import { type Estimate, estimateLosses, type LoopOutcome } from './estimate-losses.ts'
import { wilson } from './wilson.ts'

/** What a node is held to. */
export interface NodeCharge {
  readonly loops: number
  readonly lost: number
  /** The share of packets it answers for: 0 to 1. */
  readonly lossRate: number
  /** Of those through it that came back: milliseconds from sent to back. */
  readonly meanMs: number | undefined
}

/** Beyond chance: of four thousand neighbours of honest nodes one is wrongly set apart. */
const SURE_SIGMAS = 3.5
const REST_SIGMAS = 1

interface Side {
  loops: number
  blamed: number
}

/** What went from one node straight to another, and how much of its losses each end bears by the estimate. */
interface Pair extends Side {
  readonly from: string
  readonly to: string
  readonly blamedFrom: number
  readonly blamedTo: number
}

/**
 * What each node answers for. The estimate alone could be turned against honest nodes: one that is in a layer of few and drops only
 * what goes to a node in a layer of many loses little by its own count, and much by that of its victim. Such a loss shows in one way:
 * a node's losses with one neighbour are beyond chance worse than with the others. Which end of such a pair is to blame cannot be
 * seen, since either could have done it. So it is taken out of both ends' own account, and both answer for it alike: for half of it,
 * in the share that it has at the end for which it is less.
 *
 * What bounds an attacker: whatever a node adds to another's charge by dropping what passes between the two, it adds to its own.
 * What is within chance stays with the estimate: with n loops through a pair that is a few of its n packets.
 */
export function chargeLosses(loops: readonly LoopOutcome[]): Map<string, NodeCharge> {
  const estimate = estimateLosses(loops)
  const pairs = pairsOf(loops, estimate)
  const apart = new Set<Pair>()
  const touching = new Map<string, Pair[]>()
  for (const pair of pairs) for (const node of [pair.from, pair.to]) append(touching, node, pair)
  for (const [node, all] of touching) {
    setApart(
      all.filter(({ to }) => to === node),
      ({ blamedTo }) => blamedTo,
    ).forEach((pair) => apart.add(pair))
    setApart(
      all.filter(({ from }) => from === node),
      ({ blamedFrom }) => blamedFrom,
    ).forEach((pair) => apart.add(pair))
  }
  const times = meanTimes(loops)
  const loopsOf = (node: string) => estimate.nodes.get(node)!.loops
  const own = new Map(
    [...estimate.nodes.keys()].map((node) => [node, ownRate(node, touching.get(node) ?? [], apart, estimate)]),
  )
  return new Map(
    [...estimate.nodes].map(([node, { loops: through, lost }]) => {
      const mine = (touching.get(node) ?? []).filter((pair) => apart.has(pair))
      const shared = mine.reduce((sum, { from, to, loops: between, blamed }) => {
        const excess = Math.max(0, blamed - between * (own.get(from)! + own.get(to)!))
        return sum + excess / 2 / Math.max(loopsOf(from), loopsOf(to))
      }, 0)
      const lossRate = Math.min(1, own.get(node)! + shared)
      return [node, { loops: through, lost, lossRate, meanMs: times.get(node) }]
    }),
  )
}

/** What a node loses with those neighbours that are not set apart: on the side, before it or after it, where that is less. */
function ownRate(node: string, pairs: readonly Pair[], apart: ReadonlySet<Pair>, { nodes }: Estimate): number {
  if (!pairs.some((pair) => apart.has(pair))) return nodes.get(node)!.lossRate
  const rateOf = (side: readonly Pair[], blamedOf: (pair: Pair) => number) => {
    const rest = side.filter((pair) => !apart.has(pair))
    const through = rest.reduce((sum, pair) => sum + pair.loops, 0)
    return through === 0 ? 1 : rest.reduce((sum, pair) => sum + blamedOf(pair), 0) / through
  }
  const before = rateOf(
    pairs.filter(({ to }) => to === node),
    ({ blamedTo }) => blamedTo,
  )
  const after = rateOf(
    pairs.filter(({ from }) => from === node),
    ({ blamedFrom }) => blamedFrom,
  )
  return Math.min(before, after, nodes.get(node)!.lossRate)
}

/** Of the pairs on one side of a node those in which it loses more than in the rest, the worst first, until the rest is alike. */
function setApart(side: readonly Pair[], blamedOf: (pair: Pair) => number): Pair[] {
  const apart: Pair[] = []
  const rest = side.toSorted((a, b) => blamedOf(a) / a.loops - blamedOf(b) / b.loops)
  let [loops, blamed] = [0, 0]
  for (const pair of rest) {
    loops += pair.loops
    blamed += blamedOf(pair)
  }
  while (rest.length > 1) {
    const worst = rest.pop()!
    loops -= worst.loops
    blamed -= blamedOf(worst)
    const least = wilson(blamedOf(worst), worst.loops, SURE_SIGMAS).least
    if (least <= wilson(Math.max(0, blamed), loops, REST_SIGMAS).most) break
    apart.push(worst)
  }
  return apart
}

function pairsOf(loops: readonly LoopOutcome[], { blames }: Estimate): Pair[] {
  const pairs = new Map<string, { -readonly [Key in keyof Pair]: Pair[Key] }>()
  for (const loop of loops) {
    const blame = blames.get(loop)
    for (let i = 1; i < loop.hops.length; i++) {
      const [from, to] = [loop.hops[i - 1]!, loop.hops[i]!]
      const name = `${from}>${to}`
      const pair = pairs.get(name) ?? { from, to, loops: 0, blamed: 0, blamedFrom: 0, blamedTo: 0 }
      pairs.set(name, pair)
      pair.loops += 1
      if (!blame) continue
      pair.blamedFrom += blame[i - 1]!
      pair.blamedTo += blame[i]!
      pair.blamed += blame[i - 1]! + blame[i]!
    }
  }
  return [...pairs.values()]
}

function meanTimes(loops: readonly LoopOutcome[]): Map<string, number> {
  const sums = new Map<string, { back: number; ms: number }>()
  for (const { hops, tookMs } of loops) {
    if (tookMs === undefined) continue
    for (const hop of new Set(hops)) {
      const sum = sums.get(hop) ?? { back: 0, ms: 0 }
      sums.set(hop, { back: sum.back + 1, ms: sum.ms + tookMs })
    }
  }
  return new Map([...sums].map(([hop, { back, ms }]) => [hop, ms / back]))
}

function append(lists: Map<string, Pair[]>, key: string, pair: Pair): void {
  const list = lists.get(key)
  if (list) list.push(pair)
  else lists.set(key, [pair])
}
