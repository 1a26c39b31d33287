import type { MixnetRules, TopologyNodeView, TopologyView } from '@fog/contract'

/** What time it is in a mixnet, and what can be said of its newest consensus. Pure; instants are epoch milliseconds. */

type Schedule = MixnetRules['schedule']

/** The epoch that runs; 0 before the first. */
export function epochAt({ genesisAt, epochMs }: Schedule, at: number): number {
  return at < genesisAt ? 0 : Math.floor((at - genesisAt) / epochMs) + 1
}

export function startOf({ genesisAt, epochMs }: Schedule, epoch: number): number {
  return genesisAt + (epoch - 1) * epochMs
}

/** When the next epoch begins: what holds now changes then without anybody telling. */
export function nextTurn(schedule: Schedule, at: number): number {
  return startOf(schedule, epochAt(schedule, at) + 1)
}

export type Health =
  /** The first epoch has not begun. */
  | { readonly kind: 'starting'; readonly beginsAt: number }
  /** Epochs run, and nobody ever agreed on one. */
  | { readonly kind: 'none'; readonly epoch: number }
  /** Nobody agreed on the epoch that runs; the last consensus holds until then. */
  | { readonly kind: 'late'; readonly epoch: number; readonly held: number; readonly validUntil: number }
  /** The last consensus is worth nothing any more. */
  | { readonly kind: 'stopped'; readonly epoch: number; readonly held: number; readonly validUntil: number }
  | { readonly kind: 'empty'; readonly epoch: number; readonly endsAt: number }
  /** Nodes are listed, but no way leads through: these places have nobody. */
  | { readonly kind: 'broken'; readonly epoch: number; readonly endsAt: number; readonly missing: readonly PathPlace[] }
  | { readonly kind: 'sound'; readonly epoch: number; readonly endsAt: number }

export type Place = TopologyNodeView['place']
/** Where every packet passes, in this order: in by a gateway, three layers, and out by a gateway. */
export const PATH = ['gateway', 0, 1, 2] as const
export type PathPlace = (typeof PATH)[number]

/** How the network stands, by a topology that was read `at` the control plane's time. */
export function healthOf(schedule: Schedule, topology: Pick<TopologyView, 'epoch' | 'nodes'>, at: number): Health {
  const epoch = epochAt(schedule, at)
  const held = topology.epoch
  if (epoch === 0) return { kind: 'starting', beginsAt: schedule.genesisAt }
  if (held === 0) return { kind: 'none', epoch }
  if (held < epoch) {
    const validUntil = startOf(schedule, held + 2)
    return { kind: at < validUntil ? 'late' : 'stopped', epoch, held, validUntil }
  }
  const endsAt = startOf(schedule, held + 1)
  if (topology.nodes.length === 0) return { kind: 'empty', epoch: held, endsAt }
  const missing = PATH.filter((place) => !topology.nodes.some((node) => node.place === place))
  return missing.length > 0 ? { kind: 'broken', epoch: held, endsAt, missing } : { kind: 'sound', epoch: held, endsAt }
}
