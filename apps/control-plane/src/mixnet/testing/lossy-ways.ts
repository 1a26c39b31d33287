import { type Rng, randomBelow } from '@fog/kernel'
import type { LoopOutcome } from '../prober/estimate-losses.ts'

export interface LossyNetwork {
  /** Gateways, then mixes of each layer: they are named g0, g1, a0, b0, c0 and so on. */
  readonly gateways: number
  readonly layers: readonly [number, number, number]
  /** By name, the share of packets a node drops. */
  readonly drops?: Readonly<Record<string, number>>
  /** What every way loses besides, wherever it goes. */
  readonly common?: number
  /** Drops on purpose, knowing the way. */
  readonly liar?: (hops: readonly string[]) => boolean
}

/** So many loops through a network that loses packets as it is told, each by a way of chance. */
export function lossyLoops(network: LossyNetwork, count: number, rng: Rng): LoopOutcome[] {
  const { gateways, layers, drops = {}, common = 0, liar } = network
  return Array.from({ length: count }, () => {
    const gateway = () => `g${randomBelow(rng, gateways)}`
    const hops = [gateway(), ...layers.map((size, i) => `${'abc'[i]}${randomBelow(rng, size)}`), gateway()]
    const isLost = rng.next() < common || hops.some((hop) => rng.next() < (drops[hop] ?? 0)) || (liar?.(hops) ?? false)
    return { hops, tookMs: isLost ? undefined : 20 }
  })
}
