import type { NodeId } from '@fog/kernel'
import { assert } from '@fog/kernel'
import type { NodeView, Room } from './node-view.ts'

/** Steps between an empty node and a full one. */
export const LOAD_LEVELS = 64

/** What a task wants of a node. */
export interface Wants extends Room {
  /** It would not be done before the room that is kept for another is wanted: it must leave that be. */
  readonly outlasts?: boolean | undefined
}

/** What is left of a node for those who outlast a reservation. */
export interface Spare extends Room {
  readonly slots: number
}

/** The nodes while a plan fills them: what is still free of each, in flat arrays, addressed by their place in `nodes`. */
export class Ground {
  readonly nodes: readonly NodeView[]
  /** Places of the nodes that take new work. */
  readonly open: number[] = []
  readonly #views: NodeView[]
  readonly #cpu: Float64Array
  readonly #memory: Float64Array
  readonly #disk: Float64Array
  readonly #slots: Float64Array
  #isKept = false
  #version = 0
  /** By place, of the nodes on which room is kept for a reservation. */
  #spare: Map<number, { cpuMilli: number; memoryBytes: number; diskBytes: number; slots: number }> | undefined
  #byLabel: Map<string, number[]> | undefined
  #byContent: Map<string, number[]> | undefined
  #places: Map<NodeId, number> | undefined

  constructor(nodes: readonly NodeView[]) {
    const count = nodes.length
    this.nodes = nodes
    this.#views = nodes.slice()
    this.#cpu = new Float64Array(count)
    this.#memory = new Float64Array(count)
    this.#disk = new Float64Array(count)
    this.#slots = new Float64Array(count)
    for (let place = 0; place < count; place += 1) {
      const { free, slots, closed } = nodes[place]!
      this.#cpu[place] = free.cpuMilli
      this.#memory[place] = free.memoryBytes
      this.#disk[place] = free.diskBytes
      this.#slots[place] = slots
      if (closed === undefined) this.open.push(place)
    }
  }

  /** Rises with each task that takes room: what was counted before holds as long as it stands. */
  get version(): number {
    return this.#version
  }

  /** The node as it stands in this plan. */
  view(place: number): NodeView {
    return this.#views[place]!
  }

  /** The open nodes as they stand, without what is kept for others: another ground to try things on. */
  views(outlasts: boolean): NodeView[] {
    return this.open.map((place) => {
      const view = this.#views[place]!
      const spare = outlasts ? this.#spare?.get(place) : undefined
      const keptCpuMilli = this.#isKept ? undefined : view.keptCpuMilli
      if (!spare) return { ...view, keptCpuMilli }
      const free = {
        cpuMilli: Math.min(view.free.cpuMilli, spare.cpuMilli),
        memoryBytes: Math.min(view.free.memoryBytes, spare.memoryBytes),
        diskBytes: Math.min(view.free.diskBytes, spare.diskBytes),
      }
      return { ...view, keptCpuMilli, free, slots: Math.min(view.slots, spare.slots) }
    })
  }

  hasRoom(place: number, wants: Wants): boolean {
    return (
      this.#slots[place]! >= 1 &&
      this.#cpu[place]! >= wants.cpuMilli &&
      this.#memory[place]! >= wants.memoryBytes &&
      this.#disk[place]! >= wants.diskBytes &&
      (wants.outlasts !== true || this.#leavesReserved(place, wants))
    )
  }

  /** How many tasks of this shape the node holds now. */
  fits(place: number, wants: Wants): number {
    const count = timesIn(wants, this.#slots[place]!, this.#cpu[place]!, this.#memory[place]!, this.#disk[place]!)
    const spare = wants.outlasts === true ? this.#spare?.get(place) : undefined
    return spare ? Math.min(count, countIn(spare, wants)) : count
  }

  take(place: number, wants: Wants): void {
    assert(this.hasRoom(place, wants), 'a plan never exceeds what a node has free')
    this.#version += 1
    this.#slots[place]! -= 1
    this.#cpu[place]! -= wants.cpuMilli
    this.#memory[place]! -= wants.memoryBytes
    this.#disk[place]! -= wants.diskBytes
    const spare = wants.outlasts === true ? this.#spare?.get(place) : undefined
    if (spare) {
      spare.slots -= 1
      spare.cpuMilli -= wants.cpuMilli
      spare.memoryBytes -= wants.memoryBytes
      spare.diskBytes -= wants.diskBytes
    }
    const free = { cpuMilli: this.#cpu[place]!, memoryBytes: this.#memory[place]!, diskBytes: this.#disk[place]! }
    this.#views[place] = { ...this.#views[place]!, free, slots: this.#slots[place]! }
  }

  /** From now on what is kept for Platinum is not there: called once Platinum had its turn. Room only ever shrinks. */
  keepForPlatinum(): void {
    if (this.#isKept) return
    this.#isKept = true
    this.#version += 1
    for (const place of this.open) {
      const { keptCpuMilli = 0, free } = this.nodes[place]!
      // What this plan gave to Platinum there is headroom in use.
      const kept = keptCpuMilli - (free.cpuMilli - this.#cpu[place]!)
      if (kept <= 0) continue
      this.#cpu[place] = Math.max(0, this.#cpu[place]! - kept)
      this.#views[place] = {
        ...this.#views[place]!,
        free: { ...this.#views[place]!.free, cpuMilli: this.#cpu[place] },
      }
    }
  }

  /** From now on those who outlast the reservation get no more than this of these nodes. Made once in a plan. */
  reserve(spare: ReadonlyMap<number, Spare>): void {
    this.#version += 1
    this.#spare = new Map([...spare].map(([place, room]) => [place, { ...room }]))
  }

  #leavesReserved(place: number, wants: Room): boolean {
    const spare = this.#spare?.get(place)
    return !spare || countIn(spare, wants) >= 1
  }

  /** From 0, full, to `LOAD_LEVELS - 1`, empty: by whatever the node has least of. Only falls during a plan. */
  level(place: number): number {
    const { capacity } = this.nodes[place]!
    const share = Math.min(
      shareOf(this.#cpu[place]!, capacity.cpuMilli),
      shareOf(this.#memory[place]!, capacity.memoryBytes),
      shareOf(this.#disk[place]!, capacity.diskBytes),
    )
    return Math.max(0, Math.min(LOAD_LEVELS - 1, Math.floor(share * (LOAD_LEVELS - 1))))
  }

  /** Places of the open nodes with all these labels, found by the rarest label rather than by looking at every node. */
  openWith(labels: Readonly<Record<string, string>>): readonly number[] {
    const names = Object.keys(labels)
    if (names.length === 0) return this.open
    const lists = names.map((name) => this.#labelled.get(labelKey(name, labels[name])) ?? [])
    const rarest = lists.reduce((best, list) => (list.length < best.length ? list : best))
    return rarest.filter((place) => names.every((name) => this.nodes[place]!.labels[name] === labels[name]))
  }

  /** Places of the open nodes that have this content ready. */
  openHaving(digest: string): readonly number[] {
    this.#byContent ??= groupPlaces(this.open, (place) => this.nodes[place]!.warm)
    return this.#byContent.get(digest) ?? []
  }

  placeOf(nodeId: NodeId): number | undefined {
    this.#places ??= new Map(this.nodes.map((node, place) => [node.nodeId, place]))
    return this.#places.get(nodeId)
  }

  get #labelled(): Map<string, number[]> {
    this.#byLabel ??= groupPlaces(this.open, (place) => labelKeys(this.nodes[place]!.labels))
    return this.#byLabel
  }
}

/** How many tasks of one shape there is room for. */
export function countIn({ slots, cpuMilli, memoryBytes, diskBytes }: Spare, wants: Room): number {
  return timesIn(wants, slots, cpuMilli, memoryBytes, diskBytes)
}

function timesIn(wants: Room, slots: number, cpuMilli: number, memoryBytes: number, diskBytes: number): number {
  let count = slots
  if (wants.cpuMilli > 0) count = Math.min(count, cpuMilli / wants.cpuMilli)
  if (wants.memoryBytes > 0) count = Math.min(count, memoryBytes / wants.memoryBytes)
  if (wants.diskBytes > 0) count = Math.min(count, diskBytes / wants.diskBytes)
  return Math.max(0, Math.floor(count))
}

function labelKeys(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([name, value]) => labelKey(name, value))
}

function labelKey(name: string, value: string | undefined): string {
  return `${name}\u0000${value}`
}

function groupPlaces(places: readonly number[], keysOf: (place: number) => Iterable<string>): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const place of places) {
    for (const key of keysOf(place)) {
      const group = groups.get(key)
      if (group) group.push(place)
      else groups.set(key, [place])
    }
  }
  return groups
}

function shareOf(free: number, capacity: number): number {
  return capacity > 0 ? free / capacity : 1
}
