import type { AccountId, NodeId } from '@fog/kernel'
import { fitsInto } from './fits.ts'
import type { Ground, Wants } from './ground.ts'
import type { Look } from './looks.ts'
import type { NodeView } from './node-view.ts'
import { domainOf } from './tiers/domains.ts'

/** Whom a task must not meet, or not again. */
export interface Exclusions {
  readonly owners: ReadonlySet<AccountId>
  readonly nodes: ReadonlySet<NodeId>
  /** Failure domains, as `domainOf` names them. */
  readonly domains?: ReadonlySet<string> | undefined
  /** Whether a node will do beside, or away from, the other tasks of the job. */
  readonly keeps?: ((node: NodeView) => boolean) | undefined
}

export const NOBODY: Exclusions = { owners: new Set(), nodes: new Set() }

/** Open nodes of one sort, whatever their size, as all pools of that sort share them. */
export interface Sort {
  readonly places: readonly number[]
  /** Asked only when no node of `places` is large enough: those whose round trip is not measured yet. */
  readonly standIns: readonly number[]
  /** The strategy's look at `places`, shared by all shapes. */
  readonly look: Look
  /** The strategy's look at the nodes of one shape. */
  readonly lookAt: (places: readonly number[], wants: Wants) => Look
}

/** Open nodes that could hold tasks of one shape if they were empty. */
export class Pool {
  readonly #ground: Ground
  readonly #wants: Wants
  readonly #sort: Sort
  #exact: { readonly places: readonly number[]; readonly look: Look } | undefined
  #members: ReadonlySet<number> | undefined
  #byOwner: Map<AccountId, number[]> | undefined
  #ownerSizes: ReadonlyMap<AccountId, number> | undefined
  #isFull = false
  #counted = { version: -1, room: 0 }

  constructor(ground: Ground, wants: Wants, sort: Sort) {
    this.#ground = ground
    this.#wants = wants
    this.#sort = sort
  }

  /** Whether no node has room any more, as the last search without exclusions found. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** How many nodes are large enough, full or not. */
  get size(): number {
    return this.#own.places.length
  }

  /** How many tasks of this shape all nodes together hold now. Counted anew only when room was taken since. */
  get room(): number {
    const { version } = this.#ground
    if (this.#counted.version !== version) {
      const room = this.places.reduce((sum, place) => sum + this.#ground.fits(place, this.#wants), 0)
      this.#counted = { version, room }
    }
    return this.#counted.room
  }

  /** The nodes that are large enough, full or not. */
  get places(): readonly number[] {
    return this.#own.places
  }

  /**
   * Up to `limit` nodes with room. Mostly the look that all shapes share finds them; where it gives up, the pool looks once
   * at all nodes of its sort, and from then on at its own only. So a search costs what it answers.
   */
  candidates(limit: number, exclusions: Exclusions): number[] {
    if (this.#isFull) return []
    const isFar = exclusions.domains?.size || exclusions.keeps
    const isFree = exclusions.owners.size === 0 && exclusions.nodes.size === 0 && !isFar
    const allows = isFree ? () => true : (place: number) => this.#isAllowed(place, exclusions)
    const search = { wants: this.#wants, limit, allows }
    const found = new Set<number>()
    if (!this.#exact) this.#sort.look.find(search, found)
    if (found.size > 0) return [...found]
    const sawAll = this.#own.look.find(search, found)
    if (isFree && found.size === 0) this.#isFull = true
    if (!sawAll && found.size < limit) {
      if (isFar) this.#findAnywhere(limit, allows, found)
      else this.#findByOwner(limit, exclusions, found)
    }
    return [...found]
  }

  /** Whether a node is there, full or not, that is none of these and of none of these owners. */
  hasOthers({ owners, nodes }: Exclusions): boolean {
    if (owners.size === 0) return this.size > this.#count(nodes, owners)
    this.#ownerSizes ??= new Map([...this.#groupByOwner()].map(([ownerId, list]) => [ownerId, list.length]))
    let others = this.size
    for (const ownerId of owners) others -= this.#ownerSizes.get(ownerId) ?? 0
    return others > this.#count(nodes, owners)
  }

  get #own(): { readonly places: readonly number[]; readonly look: Look } {
    if (this.#exact) return this.#exact
    const large = this.#largeEnough(this.#sort.places)
    const places = large.length > 0 ? large : this.#largeEnough(this.#sort.standIns)
    this.#exact = { places, look: this.#sort.lookAt(places, this.#wants) }
    return this.#exact
  }

  #largeEnough(places: readonly number[]): number[] {
    return places.filter((place) => fitsInto(this.#wants, this.#ground.nodes[place]!.capacity))
  }

  #isAllowed(place: number, { owners, nodes, domains, keeps }: Exclusions): boolean {
    const node = this.#ground.nodes[place]!
    if (owners.has(node.ownerId) || nodes.has(node.nodeId)) return false
    return !domains?.has(domainOf(node)) && (!keeps || keeps(node))
  }

  /** Looks at all there are: few tasks are spread over domains, and only where the look gave up. */
  #findAnywhere(limit: number, allows: (place: number) => boolean, found: Set<number>): void {
    for (const place of this.#own.places) {
      if (found.size >= limit) return
      if (this.#ground.hasRoom(place, this.#wants) && allows(place)) found.add(place)
    }
  }

  /** One node of each owner in turn, so that an excluded owner costs one step however many nodes they lend. */
  #findByOwner(limit: number, { owners, nodes }: Exclusions, found: Set<number>): void {
    this.#byOwner ??= this.#groupByOwner()
    let steps = this.#byOwner.size
    for (const [ownerId, list] of this.#byOwner) {
      if (found.size >= limit || steps === 0) return
      steps -= 1
      if (owners.has(ownerId)) continue
      const place = this.#lastOf(list, nodes)
      if (place !== undefined) found.add(place)
      this.#byOwner.delete(ownerId)
      // To the back of the order: the next task meets other owners first.
      if (list.length > 0) this.#byOwner.set(ownerId, list)
    }
  }

  #lastOf(list: number[], nodes: Exclusions['nodes']): number | undefined {
    for (let i = list.length - 1; i >= 0; i -= 1) {
      const place = list[i]!
      if (!this.#ground.hasRoom(place, this.#wants)) list.splice(i, 1)
      else if (!nodes.has(this.#ground.nodes[place]!.nodeId)) return place
    }
    return undefined
  }

  #groupByOwner(): Map<AccountId, number[]> {
    return Map.groupBy(this.#own.places, (place) => this.#ground.nodes[place]!.ownerId)
  }

  #count(nodes: Exclusions['nodes'], exceptOwners: Exclusions['owners']): number {
    if (nodes.size === 0) return 0
    this.#members ??= new Set(this.#own.places)
    let count = 0
    for (const nodeId of nodes) {
      const place = this.#ground.placeOf(nodeId)
      if (place === undefined || exceptOwners.has(this.#ground.nodes[place]!.ownerId)) continue
      if (this.#members.has(place)) count += 1
    }
    return count
  }
}
