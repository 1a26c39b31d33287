import { type KeyboardEvent, useRef, useState } from 'react'
import type { TopologyNodeView, TopologyView } from '@fog/contract'
import { countOf, formatCount } from '../../format/format.ts'
import { classes } from '../../parts/classes.ts'
import { useWidth } from '../../parts/use-width.ts'
import { PATH } from './epochs.ts'
import { type Band, type Direction, HEAD, type Layout, layoutOf, type Spot, spotBeside, waysOf } from './layout.ts'
import { nodeName, placeHeading, placeText, standingOf } from './words.ts'

const USUAL_WIDTH = 960
const KEYS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

interface NetworkPictureProps {
  readonly topology: TopologyView
  readonly onLook: (identityKey: string) => void
}

/**
 * The network as packets cross it: gateways, then three layers. Each node is a button; one of them is in the tab order, and the arrow
 * keys go on from there. The lines are ways that exist, not traffic: nobody can see which way a packet took.
 */
export function NetworkPicture({ topology, onLook }: NetworkPictureProps) {
  const [place, width] = useWidth<HTMLDivElement>(USUAL_WIDTH)
  const buttons = useRef(new Map<string, HTMLButtonElement>())
  const [current, setCurrent] = useState<string>()
  const layout = layoutOf(topology.nodes, width)
  const spots = layout.bands.flatMap((band) => band.spots)
  const inOrder = spots.find(({ node }) => node.identityKey === current) ?? spots[0]
  const move = (event: KeyboardEvent, from: Spot<TopologyNodeView>) => {
    const direction = KEYS[event.key]
    if (!direction) return
    event.preventDefault()
    const to = spotBeside(spots, from, direction)
    if (to) buttons.current.get(to.node.identityKey)?.focus()
  }
  return (
    <div ref={place} className="w-full">
      <div
        role="group"
        aria-label={`Network of epoch ${topology.epoch}: ${summaryOf(layout)}. Arrow keys go from node to node; the table below has the same.`}
        className="relative"
        style={{ height: layout.height }}
      >
        <Ways layout={layout} width={width} />
        {layout.bands.map((band) => (
          <BandHead key={String(band.place)} band={band} />
        ))}
        {spots.map((spot) => (
          <NodeButton
            key={spot.node.identityKey}
            spot={spot}
            named={layout.named}
            inTabOrder={spot === inOrder}
            keep={(button) => {
              if (button) buttons.current.set(spot.node.identityKey, button)
              else buttons.current.delete(spot.node.identityKey)
            }}
            onFocus={() => setCurrent(spot.node.identityKey)}
            onKeyDown={(event) => move(event, spot)}
            onLook={() => onLook(spot.node.identityKey)}
          />
        ))}
      </div>
    </div>
  )
}

function summaryOf({ bands }: Layout<TopologyNodeView>): string {
  return bands.map(({ place, spots }) => `${placeText(place)}: ${countOf(spots.length, 'node')}`).join(', ')
}

function Ways({ layout, width }: { layout: Layout<TopologyNodeView>; width: number }) {
  const ways = waysOf(layout.bands)
  return (
    <svg width={width} height={layout.height} aria-hidden="true" className="absolute inset-0">
      {layout.bands.map(({ place, x, y, width: wide, height, spots }) => (
        <rect
          key={String(place)}
          x={x + 0.5}
          y={y + 0.5}
          width={Math.max(0, wide - 1)}
          height={height - 1}
          rx={14}
          strokeDasharray={spots.length === 0 ? '4 4' : undefined}
          className={spots.length === 0 ? 'fill-none stroke-edge' : 'fill-sunken stroke-none'}
        />
      ))}
      {ways
        ? ways.map(([from, to]) => (
            <line
              key={`${from.node.identityKey} ${to.node.identityKey}`}
              x1={from.x}
              y1={from.y}
              x2={to.x}
              y2={to.y}
              className="stroke-edge/35"
              strokeWidth={1}
            />
          ))
        : arrowsOf(layout).map(({ from, d }) => (
            <path key={from} d={d} className="fill-none stroke-edge" strokeWidth={2} strokeLinejoin="round" />
          ))}
    </svg>
  )
}

/** Between one place and the next, where the single ways are too many. */
function arrowsOf({ bands, flow }: Layout<TopologyNodeView>): { readonly from: string; readonly d: string }[] {
  return PATH.slice(1).flatMap((place, i) => {
    const from = bands.find((band) => band.place === PATH[i])
    const to = bands.find((band) => band.place === place)
    if (!from || !to) return []
    const [x, y] =
      flow === 'right'
        ? [(from.x + from.width + to.x) / 2, from.y + from.height / 2]
        : [from.x + from.width / 2, (from.y + from.height + to.y) / 2]
    const d = flow === 'right' ? `M${x - 4} ${y - 8}l8 8l-8 8` : `M${x - 8} ${y - 4}l8 8l8 -8`
    return [{ from: String(place), d }]
  })
}

function BandHead({ band: { place, x, y, width, spots } }: { band: Band<TopologyNodeView> }) {
  return (
    <p
      aria-hidden="true"
      className="pointer-events-none absolute truncate px-3 pt-2 text-xs font-medium text-soft"
      style={{ left: x, top: y, width, height: HEAD }}
    >
      {placeHeading(place)}{' '}
      <span className="figures font-normal text-faint">
        {spots.length === 0 ? 'nobody' : formatCount(spots.length)}
      </span>
    </p>
  )
}

/** Full where probes measured it, hollow where nobody did. */
const DISCS = {
  good: 'bg-bar-good text-black',
  warn: 'bg-bar-warn text-black',
  bad: 'bg-bar-bad text-black',
}
const RINGS = {
  good: 'border-4 border-bar-good bg-surface text-ink',
  warn: 'border-4 border-bar-warn bg-surface text-ink',
  bad: 'border-4 border-bar-bad bg-surface text-ink',
}
/** A mark in the disc, for those who do not tell the colours apart. */
const MARKS = { good: '', warn: '!', bad: '×' }
const LEAST_TARGET = 28

interface NodeButtonProps {
  readonly spot: Spot<TopologyNodeView>
  readonly named: boolean
  readonly inTabOrder: boolean
  readonly keep: (button: HTMLButtonElement | null) => void
  readonly onFocus: () => void
  readonly onKeyDown: (event: KeyboardEvent) => void
  readonly onLook: () => void
}

function NodeButton({ spot, named, inTabOrder, keep, onFocus, onKeyDown, onLook }: NodeButtonProps) {
  const { node, x, y, radius } = spot
  const { tone, text } = standingOf(node)
  const name = nodeName(node)
  const target = Math.max(LEAST_TARGET, 2 * radius + 6)
  const says = [
    name,
    placeText(node.place),
    `weight ${formatCount(node.weight)}`,
    text,
    node.probe ? undefined : 'not probed',
    node.mine ? 'yours' : undefined,
  ]
  return (
    <>
      <button
        ref={keep}
        type="button"
        tabIndex={inTabOrder ? 0 : -1}
        aria-label={says.filter(Boolean).join(', ')}
        title={says.filter(Boolean).join(', ')}
        onFocus={onFocus}
        onKeyDown={onKeyDown}
        onClick={onLook}
        className="group absolute inline-flex items-center justify-center rounded-full focus-visible:rounded-full"
        style={{ left: x - target / 2, top: y - target / 2, width: target, height: target }}
      >
        <Disc tone={tone} radius={radius} probed={node.probe !== undefined} mine={node.mine} />
      </button>
      {named && (
        <span
          aria-hidden="true"
          className="pointer-events-none absolute -translate-x-1/2 truncate text-center text-[0.6875rem] text-soft"
          style={{ left: x, top: y + 19, width: 84 }}
        >
          {name}
        </span>
      )}
    </>
  )
}

function Disc({
  tone,
  radius,
  probed,
  mine,
}: {
  tone: keyof typeof DISCS
  radius: number
  probed: boolean
  mine: boolean
}) {
  return (
    <span
      aria-hidden="true"
      style={{ width: 2 * radius, height: 2 * radius }}
      className={classes(
        'inline-flex items-center justify-center rounded-full text-[0.6875rem] leading-none font-bold outline-offset-1 transition-transform group-hover:scale-110',
        probed ? DISCS[tone] : RINGS[tone],
        mine ? 'outline-2 outline-accent' : 'outline-1 outline-surface',
      )}
    >
      {MARKS[tone]}
    </span>
  )
}

/** What the discs mean. */
export function Legend() {
  const entries = [
    { text: 'nothing held against it', disc: <Disc tone="good" radius={7} probed mine={false} /> },
    { text: 'faults, or a reveal is missing', disc: <Disc tone="warn" radius={7} probed mine={false} /> },
    { text: 'weighs nothing, or its reveal is wrong', disc: <Disc tone="bad" radius={7} probed mine={false} /> },
    { text: 'not probed: performance unknown', disc: <Disc tone="good" radius={7} probed={false} mine={false} /> },
    { text: 'yours', disc: <Disc tone="good" radius={7} probed mine /> },
  ]
  return (
    <ul aria-label="What the discs mean" className="mt-4 flex flex-wrap gap-x-5 gap-y-1.5 text-[0.8125rem] text-soft">
      {entries.map(({ text, disc }) => (
        <li key={text} className="inline-flex items-center gap-2">
          {disc}
          {text}
        </li>
      ))}
      <li>Lines are ways that packets may take, not traffic: which way one took, nobody can see.</li>
    </ul>
  )
}
