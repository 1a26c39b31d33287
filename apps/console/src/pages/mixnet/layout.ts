import type { TopologyNodeView } from '@fog/contract'
import { PATH, type Place } from './epochs.ts'

/** Where each node stands in the picture of a layered network. Pure; lengths are pixels. */

type Node = Pick<TopologyNodeView, 'identityKey' | 'place' | 'weight'>

export interface Spot<N extends Node> {
  readonly node: N
  /** The middle. */
  readonly x: number
  readonly y: number
  readonly radius: number
}

export interface Band<N extends Node> {
  readonly place: Place
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly spots: readonly Spot<N>[]
}

export interface Layout<N extends Node> {
  readonly bands: readonly Band<N>[]
  readonly height: number
  /** Whether there is room for names. */
  readonly named: boolean
  /** Side by side, or one below the other. */
  readonly flow: 'right' | 'down'
}

/** Below this the layers lie one below the other. */
const NARROW = 620
/** With more nodes in one place there is no room for names. */
const MOST_NAMED = 12
/** Side by side, nodes of a place stand above each other, so many, that the ways between places fan out. */
const MOST_IN_COLUMN = 6
const NAMED_CELL = { width: 88, height: 66 }
const BARE_CELL = { width: 34, height: 34 }
const GAP = { right: 56, down: 30 }
const PADDING = 10
/** Above the nodes of a band, for its name. */
export const HEAD = 30
const RADIUS = { least: 6, most: 15 }

/** The bands of a network as wide as this: the places of a packet's way in order, then reserve and waiting where anybody is there. */
export function layoutOf<N extends Node>(nodes: readonly N[], width: number): Layout<N> {
  const byPlace = (place: Place) => nodes.filter((node) => node.place === place).toSorted(heaviestFirst)
  const way = PATH.map((place) => ({ place: place as Place, nodes: byPlace(place) }))
  const aside = (['reserve', 'waiting'] as const)
    .map((place) => ({ place: place as Place, nodes: byPlace(place) }))
    .filter(({ nodes: there }) => there.length > 0)
  const named = [...way, ...aside].every(({ nodes: there }) => there.length <= MOST_NAMED)
  const radius = radiusBy(Math.max(1, ...nodes.map(({ weight }) => weight)))
  const flow = width < NARROW ? 'down' : 'right'
  const make = (group: { place: Place; nodes: readonly N[] }, box: { x: number; y: number; width: number }) =>
    bandOf(group, box, {
      named,
      radius,
      mostAcross: flow === 'right' && named ? Math.ceil(group.nodes.length / MOST_IN_COLUMN) : Infinity,
    })

  const bands: Band<N>[] = []
  if (flow === 'right') {
    const each = (width - GAP.right * (way.length - 1)) / way.length
    for (const [i, group] of way.entries()) bands.push(make(group, { x: i * (each + GAP.right), y: 0, width: each }))
    const height = Math.max(...bands.map((band) => band.height))
    // All as high as the highest, its nodes in the middle of what is left.
    for (const [i, band] of bands.entries()) bands[i] = centred(band, height)
  } else for (const group of way) bands.push(make(group, { x: 0, y: below(bands, GAP.down), width }))
  for (const group of aside) bands.push(make(group, { x: 0, y: below(bands, GAP.down), width }))
  return { bands, height: below(bands, 0), named, flow }
}

function heaviestFirst(a: Node, b: Node): number {
  return b.weight - a.weight || (a.identityKey < b.identityKey ? -1 : 1)
}

/** The area follows the weight. */
function radiusBy(heaviest: number): (weight: number) => number {
  return (weight) => RADIUS.least + (RADIUS.most - RADIUS.least) * Math.sqrt(weight / heaviest)
}

function below(bands: readonly Band<Node>[], gap: number): number {
  const end = Math.max(0, ...bands.map(({ y, height }) => y + height))
  return end === 0 ? 0 : end + gap
}

interface BandLook {
  readonly named: boolean
  readonly radius: (weight: number) => number
  /** Nodes side by side. */
  readonly mostAcross: number
}

function bandOf<N extends Node>(
  { place, nodes }: { readonly place: Place; readonly nodes: readonly N[] },
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
  { named, radius, mostAcross }: BandLook,
): Band<N> {
  const cell = named ? NAMED_CELL : BARE_CELL
  const room = width - 2 * PADDING
  const perRow = Math.max(1, Math.min(mostAcross, Math.floor(room / cell.width)))
  const rows = Math.max(1, Math.ceil(nodes.length / perRow))
  const spots = nodes.map((node, i) => {
    const [row, column] = [Math.floor(i / perRow), i % perRow]
    const inRow = Math.min(perRow, nodes.length - row * perRow)
    const left = x + PADDING + (room - inRow * cell.width) / 2
    return {
      node,
      x: left + (column + 0.5) * cell.width,
      // A name goes below the disc.
      y: y + HEAD + row * cell.height + (named ? RADIUS.most + 6 : cell.height / 2),
      radius: radius(node.weight),
    }
  })
  return { place, x, y, width, height: HEAD + rows * cell.height + PADDING, spots }
}

function centred<N extends Node>(band: Band<N>, height: number): Band<N> {
  const down = (height - band.height) / 2
  return { ...band, height, spots: band.spots.map((spot) => ({ ...spot, y: spot.y + down })) }
}

/** With more ways than this, drawing them all says nothing. */
const MOST_WAYS = 400

/** Every hop that a packet may take from one place to the next; undefined when they are too many to be told apart. */
export function waysOf<N extends Node>(
  bands: readonly Band<N>[],
): readonly (readonly [Spot<N>, Spot<N>])[] | undefined {
  const way = PATH.map((place) => bands.find((band) => band.place === place)?.spots ?? [])
  const drawn = way.map((spots) => spots.filter(({ node }) => node.weight > 0))
  const ways = drawn.slice(1).flatMap((next, i) => drawn[i]!.flatMap((from) => next.map((to) => [from, to] as const)))
  return ways.length > MOST_WAYS ? undefined : ways
}

export type Direction = 'left' | 'right' | 'up' | 'down'

/** The nearest spot in a direction, for arrow keys; undefined at the edge. */
export function spotBeside<N extends Node>(
  spots: readonly Spot<N>[],
  from: Spot<N>,
  direction: Direction,
): Spot<N> | undefined {
  const along = direction === 'left' || direction === 'right' ? 'x' : 'y'
  const across = along === 'x' ? 'y' : 'x'
  const sign = direction === 'left' || direction === 'up' ? -1 : 1
  // What lies straight ahead is nearer than what lies aside.
  const cost = (to: Spot<N>) => sign * (to[along] - from[along]) + 2 * Math.abs(to[across] - from[across])
  const ahead = spots.filter((to) => sign * (to[along] - from[along]) > 1)
  return ahead.toSorted((a, b) => cost(a) - cost(b))[0]
}
