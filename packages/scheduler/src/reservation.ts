import type { Instant } from '@fog/kernel'
import { countIn, type Ground, type Spare, type Wants } from './ground.ts'
import type { NodeView, Room } from './node-view.ts'

/** Room that comes free. */
export interface Ending {
  readonly place: number
  readonly room: Room
  readonly at: Instant
}

/** For how many tasks of one shape room is sought, and on which nodes. */
export interface Claim {
  readonly wants: Wants
  readonly tasks: number
  readonly places: readonly number[]
  /** What counts once however much room it has (apart), or alone has to have all of it (together). */
  readonly company?: { readonly how: 'apart' | 'together'; readonly of: (node: NodeView) => string } | undefined
}

export interface Reservation {
  readonly beginsAt: Instant
  /** What the nodes on which room is kept will have beside it then, for whoever is not done before. */
  readonly spare: ReadonlyMap<number, Spare>
}

/**
 * The earliest time at which there is room for all of a claim, as what runs ends, and the nodes that room is kept on: first
 * those that are full now, so that what is free stays open to others. Undefined when even then there is too little.
 */
export function reserve(ground: Ground, claim: Claim, endings: readonly Ending[]): Reservation | undefined {
  const future = new Future(ground, claim)
  for (const ending of endings.toSorted((a, b) => a.at - b.at)) {
    if (!future.end(ending)) continue
    return { beginsAt: ending.at, spare: future.spare() }
  }
  return undefined
}

/** The nodes of a claim as more and more of what runs has ended. */
class Future {
  readonly #ground: Ground
  readonly #claim: Claim
  readonly #free = new Map<number, { cpuMilli: number; memoryBytes: number; diskBytes: number; slots: number }>()
  /** Tasks of the claim each node has room for now, and each group of nodes will have. */
  readonly #now = new Map<number, number>()
  readonly #groups = new Map<string, number>()
  #total = 0

  constructor(ground: Ground, claim: Claim) {
    this.#ground = ground
    this.#claim = claim
    for (const place of claim.places) {
      const { free, slots } = ground.view(place)
      this.#free.set(place, { ...free, slots })
      const count = countIn({ ...free, slots }, claim.wants)
      this.#now.set(place, count)
      this.#grow(place, count)
    }
  }

  /** Answers whether there is room for all now. */
  end({ place, room }: Ending): boolean {
    const free = this.#free.get(place)
    if (!free) return false
    const before = countIn(free, this.#claim.wants)
    free.slots += 1
    free.cpuMilli += room.cpuMilli
    free.memoryBytes += room.memoryBytes
    free.diskBytes += room.diskBytes
    this.#grow(place, countIn(free, this.#claim.wants) - before)
    return this.#total >= this.#claim.tasks
  }

  spare(): Map<number, Spare> {
    const spare = new Map<number, Spare>()
    let left = this.#claim.tasks
    const taken = new Set<string>()
    for (const place of this.#inOrder()) {
      if (left === 0) break
      const free = this.#free.get(place)!
      const count = Math.min(left, this.#most(place, countIn(free, this.#claim.wants), taken))
      if (count === 0) continue
      left -= count
      spare.set(place, without(free, this.#claim.wants, count))
    }
    return spare
  }

  /** How much the room of all the nodes together grows by: by groups where tasks stay apart or together. */
  #grow(place: number, count: number): void {
    const { company } = this.#claim
    if (!company) {
      this.#total += count
      return
    }
    const group = company.of(this.#ground.nodes[place]!)
    const inGroup = (this.#groups.get(group) ?? 0) + count
    this.#groups.set(group, inGroup)
    if (company.how === 'together') this.#total = Math.max(this.#total, inGroup)
    else if (inGroup > 0 && inGroup === count) this.#total += 1
  }

  #inOrder(): number[] {
    const { company, places, tasks } = this.#claim
    const node = (place: number) => this.#ground.nodes[place]!
    const fullFirst = places.toSorted((a, b) => this.#now.get(a)! - this.#now.get(b)!)
    if (company?.how !== 'together') return fullFirst
    return fullFirst.filter((place) => this.#groups.get(company.of(node(place)))! >= tasks)
  }

  /** Of the tasks a node has room for, how many it takes: one for each group where they stay apart. */
  #most(place: number, count: number, taken: Set<string>): number {
    const { company } = this.#claim
    if (!company || count === 0) return count
    const group = company.of(this.#ground.nodes[place]!)
    if (company.how === 'together') {
      // The first group that has room for all is the one.
      if (taken.size === 0) taken.add(group)
      return taken.has(group) ? count : 0
    }
    if (taken.has(group)) return 0
    taken.add(group)
    return 1
  }
}

function without(free: Spare, wants: Room, count: number): Spare {
  return {
    slots: free.slots - count,
    cpuMilli: free.cpuMilli - count * wants.cpuMilli,
    memoryBytes: free.memoryBytes - count * wants.memoryBytes,
    diskBytes: free.diskBytes - count * wants.diskBytes,
  }
}
