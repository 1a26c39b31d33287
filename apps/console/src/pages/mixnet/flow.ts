import type { MixFlowView, MixPlaceFlowsView } from '@fog/contract'
import type { Place } from './epochs.ts'

/** Packets by epoch, made ready for charts and tables. Pure. */

export const COUNTED = ['received', 'forwarded', 'delivered', 'cover', 'dropped'] as const
export type Counted = (typeof COUNTED)[number]

/** Sums over one epoch, of whoever is looked at. */
export interface EpochFlow extends Readonly<Record<Counted, number>> {
  readonly epoch: number
  readonly from: string
  readonly to: string
  readonly reported: number
  /** How many could have reported; unknown where only sums are told. */
  readonly listed: number | undefined
}

/** Of all nodes; who was listed is known of the epochs that were also read by place. */
export function flowOfAll(flows: readonly MixFlowView[], byPlace: readonly MixPlaceFlowsView[]): EpochFlow[] {
  const listed = new Map(
    byPlace.map(({ epoch, places }) => [epoch, places.reduce((sum, place) => sum + place.listed, 0)]),
  )
  return flows.map((flow) => ({
    ...countsOf(flow),
    ...timesOf(flow),
    reported: flow.nodes,
    listed: listed.get(flow.epoch),
  }))
}

/** Of the nodes that had a place; epochs in which nobody had it are left out. */
export function flowOfPlace(byPlace: readonly MixPlaceFlowsView[], place: Place): EpochFlow[] {
  return byPlace.flatMap((epoch) => {
    const flow = epoch.places.find((each) => each.place === place)
    return flow ? [{ ...countsOf(flow), ...timesOf(epoch), reported: flow.reported, listed: flow.listed }] : []
  })
}

function timesOf({ epoch, from, to }: { readonly epoch: number; readonly from: string; readonly to: string }) {
  return { epoch, from, to }
}

function countsOf(flow: Readonly<Record<Counted, number>>): Record<Counted, number> {
  const { received, forwarded, delivered, cover, dropped } = flow
  return { received, forwarded, delivered, cover, dropped }
}

/** A sum over the length of its epoch. */
export function perSecond(sum: number, epochMs: number): number {
  return (sum * 1000) / epochMs
}

/** How long an epoch is, in milliseconds. */
export function lengthOf({ from, to }: { readonly from: string; readonly to: string }): number {
  return Date.parse(to) - Date.parse(from)
}

/** Packets dropped in an epoch by reason, of all places or of one; only what happened. */
export function dropsOf({ places }: MixPlaceFlowsView, place: Place | 'all'): Map<string, number> {
  const drops = new Map<string, number>()
  for (const flow of places) {
    if (place !== 'all' && flow.place !== place) continue
    for (const [reason, count] of Object.entries(flow.drops))
      if (count > 0) drops.set(reason, (drops.get(reason) ?? 0) + count)
  }
  return drops
}

/** Every reason that was given in any of the epochs, the most frequent first. */
export function reasonsOf(drops: readonly ReadonlyMap<string, number>[]): string[] {
  const sums = new Map<string, number>()
  for (const each of drops) for (const [reason, count] of each) sums.set(reason, (sums.get(reason) ?? 0) + count)
  return [...sums].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([reason]) => reason)
}

/** Epochs from the first to the last in which there is anything, and a value for each: nothing where nobody reported. */
export function seriesOf<Row extends { readonly epoch: number }>(
  rows: readonly Row[],
  values: readonly ((row: Row) => number)[],
): { readonly epochs: number[]; readonly series: (number | null)[][] } {
  const byEpoch = new Map(rows.map((row) => [row.epoch, row]))
  const [first, last] = [Math.min(...byEpoch.keys()), Math.max(...byEpoch.keys())]
  const epochs = byEpoch.size === 0 ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const series = values.map((valueOf) =>
    epochs.map((epoch) => {
      const row = byEpoch.get(epoch)
      return row ? valueOf(row) : null
    }),
  )
  return { epochs, series }
}
