/** Rows per chunk before it is split: inserting moves at most this many, finding halves its way there. */
const CHUNK_ROWS = 512

/** Rows in an order of their own. `compare` must tell any two rows apart. Adding and deleting cost O(log n). */
export class SortedSet<Row> {
  readonly #compare: (a: Row, b: Row) => number
  readonly #chunks: Row[][] = []
  #size = 0

  constructor(compare: (a: Row, b: Row) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  get first(): Row | undefined {
    return this.#chunks[0]?.[0]
  }

  /** In order. */
  all(): Row[] {
    return this.#chunks.length === 1 ? this.#chunks[0]!.slice() : this.#chunks.flat()
  }

  add(row: Row): void {
    const { chunk, at } = this.#seek((other) => this.#compare(other, row) < 0)
    const rows = this.#chunks[chunk] ?? this.#chunks.at(-1)
    this.#size += 1
    if (!rows) return void this.#chunks.push([row])
    const place = this.#chunks[chunk] ? at : rows.length
    rows.splice(place, 0, row)
    if (rows.length > CHUNK_ROWS) this.#split(Math.min(chunk, this.#chunks.length - 1))
  }

  /** Puts a row in the place of the one that compares equal, if there is one. */
  replace(row: Row): void {
    const { chunk, at } = this.#seek((other) => this.#compare(other, row) < 0)
    const rows = this.#chunks[chunk]
    if (rows && this.#compare(rows[at]!, row) === 0) rows[at] = row
  }

  /** Takes out the row that compares equal. Returns whether there was one. */
  delete(row: Row): boolean {
    const { chunk, at } = this.#seek((other) => this.#compare(other, row) < 0)
    const rows = this.#chunks[chunk]
    if (!rows || this.#compare(rows[at]!, row) !== 0) return false
    rows.splice(at, 1)
    if (rows.length === 0) this.#chunks.splice(chunk, 1)
    this.#size -= 1
    return true
  }

  /** In order, from the first row that is not `before`. The set must not change meanwhile. */
  *values(before: (row: Row) => boolean = () => false): Generator<Row> {
    const { chunk, at } = this.#seek(before)
    for (let c = chunk; c < this.#chunks.length; c += 1) {
      const rows = this.#chunks[c]!
      for (let i = c === chunk ? at : 0; i < rows.length; i += 1) yield rows[i]!
    }
  }

  /** In reverse order, from the last row that is `before`; all of them unless told. */
  *valuesDown(before: (row: Row) => boolean = () => true): Generator<Row> {
    const { chunk, at } = this.#seek(before)
    for (let c = Math.min(chunk, this.#chunks.length - 1); c >= 0; c -= 1) {
      const rows = this.#chunks[c]!
      for (let i = (c === chunk ? at : rows.length) - 1; i >= 0; i -= 1) yield rows[i]!
    }
  }

  /** Where the first row stands that is not `before`; one chunk past the end when there is none. */
  #seek(before: (row: Row) => boolean): { chunk: number; at: number } {
    const chunk = lowerBound(this.#chunks.length, (c) => before(this.#chunks[c]!.at(-1)!))
    const rows = this.#chunks[chunk]
    return { chunk, at: rows ? lowerBound(rows.length, (i) => before(rows[i]!)) : 0 }
  }

  #split(chunk: number): void {
    const rows = this.#chunks[chunk]!
    this.#chunks.splice(chunk + 1, 0, rows.splice(CHUNK_ROWS / 2))
  }
}

/** Rows in groups, each in order: what a database index is to a table. Rows without a group are left out. */
export class SortedIndex<Group, Row> {
  readonly #groups = new Map<Group, SortedSet<Row>>()
  readonly #groupOf: (row: Row) => Group | undefined
  readonly #compare: (a: Row, b: Row) => number

  constructor(groupOf: (row: Row) => Group | undefined, compare: (a: Row, b: Row) => number) {
    this.#groupOf = groupOf
    this.#compare = compare
  }

  /** Follows one change of a row. */
  follow(before: Row | undefined, after: Row | undefined): void {
    // Most changes leave a row where it is.
    if (before !== undefined && after !== undefined && this.#compare(before, after) === 0) {
      const group = this.#groupOf(before)
      if (group === this.#groupOf(after)) {
        if (group !== undefined) this.#groups.get(group)?.replace(after)
        return
      }
    }
    if (before !== undefined) this.#leave(before)
    if (after !== undefined) this.#join(after)
  }

  get(group: Group): SortedSet<Row> {
    return this.#groups.get(group) ?? new SortedSet<Row>(this.#compare)
  }

  /** Groups that have rows, in no order. */
  groups(): IterableIterator<Group> {
    return this.#groups.keys()
  }

  /** In order. */
  values(group: Group): Row[] {
    return this.#groups.get(group)?.all() ?? []
  }

  /** How many groups have rows. */
  get groupCount(): number {
    return this.#groups.size
  }

  #leave(row: Row): void {
    const group = this.#groupOf(row)
    if (group === undefined) return
    const rows = this.#groups.get(group)
    rows?.delete(row)
    if (rows?.size === 0) this.#groups.delete(group)
  }

  #join(row: Row): void {
    const group = this.#groupOf(row)
    if (group === undefined) return
    const rows = this.#groups.get(group) ?? new SortedSet<Row>(this.#compare)
    this.#groups.set(group, rows)
    rows.add(row)
  }
}

/** The first index in [0, length) for which `before` no longer holds. */
function lowerBound(length: number, before: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (before(middle)) low = middle + 1
    else high = middle
  }
  return low
}
