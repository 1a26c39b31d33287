import { LOAD_LEVELS, type Ground, type Wants } from './ground.ts'

/** What one task looks for. */
export interface Search {
  readonly wants: Wants
  readonly limit: number
  /** Whether a node will do for this task, beyond having room. */
  readonly allows: (place: number) => boolean
}

/** After so many nodes that will not do, a search ends: the next hundred may not do either, and there are better ways. */
const MOST_REFUSALS = 48

/**
 * An order in which a strategy looks at nodes. Many shapes of task can share one. Nodes without room for `floor`, the
 * least any of them wants, are dropped for good: in a plan room only shrinks.
 */
export interface Look {
  /** Adds nodes to `found` up to the limit. Answers whether it looked as far as it had to; false when it gave up. */
  find(search: Search, found: Set<number>): boolean
}

/**
 * The emptiest first. Nodes lie in buckets by load and sink as they fill; a node is moved only when it is met, at most
 * once for each level, so that a search costs what it answers.
 */
export class EmptiestFirst implements Look {
  readonly #ground: Ground
  readonly #floor: Wants
  readonly #buckets: number[][] = []
  #top = LOAD_LEVELS - 1

  constructor(ground: Ground, places: readonly number[], floor: Wants) {
    this.#ground = ground
    this.#floor = floor
    for (let level = 0; level < LOAD_LEVELS; level += 1) this.#buckets.push([])
    for (const place of places) this.#buckets[ground.level(place)]!.push(place)
  }

  find({ wants, limit, allows }: Search, found: Set<number>): boolean {
    let refusals = 0
    for (let level = this.#top; level >= 0; level -= 1) {
      const bucket = this.#buckets[level]!
      if (bucket.length === 0 && level === this.#top) this.#top -= 1
      for (let i = bucket.length - 1; i >= 0; i -= 1) {
        const place = bucket[i]!
        if (this.#sinks(place, level, bucket, i)) continue
        if (this.#ground.hasRoom(place, wants) && allows(place)) found.add(place)
        else refusals += 1
        if (found.size >= limit) return true
        if (refusals >= MOST_REFUSALS) return false
      }
    }
    return true
  }

  /** Takes a node out of its bucket when it is full, or fuller than the bucket says. */
  #sinks(place: number, level: number, bucket: number[], at: number): boolean {
    const hasRoom = this.#ground.hasRoom(place, this.#floor)
    const now = hasRoom ? this.#ground.level(place) : -1
    if (now === level) return false
    bucket[at] = bucket.at(-1)!
    bucket.pop()
    if (hasRoom) this.#buckets[now]!.push(place)
    return true
  }
}

/** In a fixed order, from a position that may move, round to the start again. Full nodes are skipped in one step. */
export class InOrder implements Look {
  readonly #ground: Ground
  readonly #floor: Wants
  readonly #places: readonly number[]
  /** Where to go on from each position: itself, or past nodes that are full. One position more stands for the end. */
  readonly #next: Int32Array
  readonly #startAt: (places: readonly number[]) => number

  constructor(
    ground: Ground,
    places: readonly number[],
    floor: Wants,
    startAt: (places: readonly number[]) => number = () => 0,
  ) {
    this.#ground = ground
    this.#floor = floor
    this.#places = places
    this.#next = new Int32Array(places.length + 1)
    for (let i = 0; i <= places.length; i += 1) this.#next[i] = i
    this.#startAt = startAt
  }

  find(search: Search, found: Set<number>): boolean {
    const start = this.#startAt(this.#places)
    const patience = { left: MOST_REFUSALS }
    this.#walk(start, this.#places.length, search, found, patience)
    this.#walk(0, start, search, found, patience)
    return patience.left > 0
  }

  #walk(from: number, to: number, search: Search, found: Set<number>, patience: { left: number }): void {
    for (let at = this.#skip(from); at < to; at = this.#skip(at + 1)) {
      if (found.size >= search.limit || patience.left <= 0) return
      const place = this.#places[at]!
      if (!this.#ground.hasRoom(place, this.#floor)) this.#next[at] = at + 1
      else if (this.#ground.hasRoom(place, search.wants) && search.allows(place)) found.add(place)
      else patience.left -= 1
    }
  }

  /** The first position from here on that is not known to be full; shortens the way for whoever comes next. */
  #skip(from: number): number {
    let end = from
    while (this.#next[end]! !== end) end = this.#next[end]!
    for (let at = from; at !== end;) {
      const after = this.#next[at]!
      this.#next[at] = end
      at = after
    }
    return end
  }
}

/** One look after the other, the first for up to half of what is asked. */
export class FirstHalf implements Look {
  readonly #first: Look
  readonly #then: Look

  constructor(first: Look, then: Look) {
    this.#first = first
    this.#then = then
  }

  find(search: Search, found: Set<number>): boolean {
    this.#first.find({ ...search, limit: Math.ceil(search.limit / 2) }, found)
    return this.#then.find(search, found)
  }
}
