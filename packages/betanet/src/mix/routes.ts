/** What a route answers for an id that is not listed. */
export const NO_ROUTE = -1

/** Finds a node of the consensus by its 32-byte id without making anything: ids are hashes, so their first bytes spread. */
export class Routes {
  readonly #ids: readonly Uint8Array[]
  readonly #byStart: ReadonlyMap<number, readonly number[]>

  /** A node's place in `ids` is its route. */
  constructor(ids: readonly Uint8Array[]) {
    this.#ids = ids
    const byStart = new Map<number, number[]>()
    ids.forEach((id, route) => {
      const start = startOf(id)
      byStart.set(start, [...(byStart.get(start) ?? []), route])
    })
    this.#byStart = byStart
  }

  get size(): number {
    return this.#ids.length
  }

  /** The route of an id, or `NO_ROUTE`. */
  find(id: Uint8Array): number {
    for (const route of this.#byStart.get(startOf(id)) ?? NONE) if (isSame(this.#ids[route]!, id)) return route
    return NO_ROUTE
  }
}

const NONE: readonly number[] = []

function startOf(id: Uint8Array): number {
  return (id[0]! | (id[1]! << 8) | (id[2]! << 16) | (id[3]! << 24)) >>> 0
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}
