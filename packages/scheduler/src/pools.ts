import type { NodeId } from '@fog/kernel'
import { coverOf, isElsewhere, isSuitable, isWithin, preference } from './fits.ts'
import type { Ground, Wants } from './ground.ts'
import type { Job, JobSpec } from './job.ts'
import { EmptiestFirst, FirstHalf, InOrder, type Look } from './looks.ts'
import type { PlanContext } from './planner.ts'
import { Pool, type Sort } from './pool.ts'
import { TIER_TERMS } from './tier.ts'

/** The least any task wants of a node. */
const FLOOR: Wants = { cpuMilli: 1, memoryBytes: 1, diskBytes: 0 }

/**
 * The pools of one plan: one for each shape of task, made when the first task of that shape comes. Shapes that ask for the
 * same sort of node in the same order share their look.
 */
export class Pools {
  /** The node that was placed on last: where a round goes on. */
  lastNodeId: NodeId | undefined
  readonly #ground: Ground
  readonly #networkOf: NonNullable<PlanContext['networkOf']>
  /** By spec, which tasks of one step, or of one job of one program, share. */
  readonly #bySpec = { all: new Map<JobSpec, Pool>(), outlasting: new Map<JobSpec, Pool>() }
  readonly #byShape = new Map<string, Pool>()
  readonly #suitable = new Map<string, Suitable>()
  readonly #sorts = new Map<string, Sort>()

  constructor(ground: Ground, { lastNodeId, networkOf = () => undefined }: PlanContext) {
    this.#ground = ground
    this.#networkOf = networkOf
    this.lastNodeId = lastNodeId
  }

  /** `outlasts`: its tasks have to leave be what is kept for a reservation. */
  poolOf(job: Job, outlasts = false): Pool {
    const bySpec = outlasts ? this.#bySpec.outlasting : this.#bySpec.all
    const known = bySpec.get(job.spec)
    if (known) return known
    const { cpuMilli, memoryBytes, diskBytes } = job.spec.limits
    const wants: Wants = { cpuMilli, memoryBytes, diskBytes, outlasts }
    const sortKey = `${this.#sortKey(job)} ${outlasts}`
    const shape = `${cpuMilli} ${memoryBytes} ${diskBytes} ${sortKey}`
    const pool = this.#byShape.get(shape) ?? new Pool(this.#ground, wants, this.#sortOf(job, sortKey, outlasts))
    this.#byShape.set(shape, pool)
    bySpec.set(job.spec, pool)
    return pool
  }

  /** What decides which nodes are of the right sort, and in which order they are looked at. */
  #sortKey(job: Job): string {
    const { routing } = job.spec
    const content = routing === 'affinity_based' ? contentOf(job).map(({ digest }) => digest) : []
    return `${routing} ${content.join(' ')} ${this.#suitableKey(job)}`
  }

  #suitableKey(job: Job): string {
    const { spec } = job
    const cover = coverOf(spec)
    const hidden = cover && [cover, this.#networkOf(job)]
    const labels = [spec.require, spec.avoid, spec.prefer].map(sortedLabels)
    return JSON.stringify([spec.kind, TIER_TERMS[spec.tier].latencyCapMs, hidden, labels, spec.residency])
  }

  #sortOf(job: Job, key: string, outlasts: boolean): Sort {
    const known = this.#sorts.get(key)
    if (known) return known
    const { measured, unmeasured } = this.#suitableFor(job)
    // In order once and for all: what is picked out of it for one shape stays so.
    const places = this.#ordered(job, measured)
    const sort: Sort = {
      places,
      // A promise about the network is kept by measured nodes; the others stand in only where nobody else can.
      standIns: this.#ordered(job, unmeasured),
      look: this.#lookFor(job, places, { ...FLOOR, outlasts }),
      lookAt: (places, wants) => this.#lookFor(job, places, wants),
    }
    this.#sorts.set(key, sort)
    return sort
  }

  /** Those with the labels the job prefers come first, in the order of its strategy among themselves as among all. */
  #lookFor(job: Job, places: readonly number[], floor: Wants): Look {
    const all = this.#strategyLook(job, places, floor)
    if (!job.spec.prefer) return all
    const most = places.reduce((best, place) => Math.max(best, preference(job.spec, this.#ground.nodes[place]!)), 0)
    if (most === 0) return all
    const preferred = places.filter((place) => preference(job.spec, this.#ground.nodes[place]!) === most)
    return new FirstHalf(this.#strategyLook(job, preferred, floor), all)
  }

  #strategyLook(job: Job, places: readonly number[], floor: Wants): Look {
    const ground = this.#ground
    switch (job.spec.routing) {
      case 'round_robin':
        return new InOrder(ground, places, floor, (inTurn) => this.#afterLast(inTurn))
      case 'proximity_based':
        return new InOrder(ground, places, floor)
      case 'affinity_based': {
        const all = new EmptiestFirst(ground, places, floor)
        const having = this.#havingMost(job, places)
        return having.length === 0 ? all : new FirstHalf(new InOrder(ground, having, floor), all)
      }
      case 'privacy_aware': {
        const all = new EmptiestFirst(ground, places, floor)
        const mixed = places.filter((place) => ground.nodes[place]!.reach === 'mixnet')
        const isMixed = mixed.length > 0 && mixed.length < places.length
        return isMixed ? new FirstHalf(new EmptiestFirst(ground, mixed, floor), all) : all
      }
      default:
        return new EmptiestFirst(ground, places, floor)
    }
  }

  #ordered({ spec }: Job, places: readonly number[]): readonly number[] {
    if (spec.routing === 'proximity_based') return places.toSorted(nearestFirst(this.#ground))
    if (spec.routing === 'round_robin') return places.toSorted(lowestIdFirst(this.#ground))
    return places
  }

  /** Those of `places` that have some of the job's content, the most bytes first. */
  #havingMost(job: Job, places: readonly number[]): number[] {
    const held = new Map<number, number>()
    for (const { digest, size } of contentOf(job)) {
      for (const place of this.#ground.openHaving(digest)) held.set(place, (held.get(place) ?? 0) + size)
    }
    if (held.size === 0) return []
    return places.filter((place) => held.has(place)).sort((a, b) => held.get(b)! - held.get(a)! || a - b)
  }

  /** The position after the node that was placed on last, even if that one has left. */
  #afterLast(places: readonly number[]): number {
    const last = this.lastNodeId
    if (last === undefined) return 0
    let low = 0
    let high = places.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ground.nodes[places[middle]!]!.nodeId <= last) low = middle + 1
      else high = middle
    }
    return low
  }

  #suitableFor(job: Job): Suitable {
    const key = this.#suitableKey(job)
    const known = this.#suitable.get(key)
    if (known) return known
    const network = coverOf(job.spec) ? this.#networkOf(job) : undefined
    const { latencyCapMs } = TIER_TERMS[job.spec.tier]
    const suitable: Suitable = { measured: [], unmeasured: [] }
    for (const place of this.#ground.openWith(job.spec.require)) {
      const node = this.#ground.nodes[place]!
      if (!isSuitable(job.spec, node)) continue
      if (!isElsewhere(node, network)) continue
      if (isWithin(latencyCapMs, node)) suitable.measured.push(place)
      else if (node.latencyMs === undefined) suitable.unmeasured.push(place)
    }
    this.#suitable.set(key, suitable)
    return suitable
  }
}

/** Places of open nodes of the sort a job asks for, whatever their size, by whether their round trip was measured. */
interface Suitable {
  readonly measured: number[]
  readonly unmeasured: number[]
}

function nearestFirst({ nodes }: Ground): (a: number, b: number) => number {
  const distance = (place: number) => nodes[place]!.latencyMs ?? Number.MAX_VALUE
  return (a, b) => distance(a) - distance(b) || a - b
}

function lowestIdFirst({ nodes }: Ground): (a: number, b: number) => number {
  return (a, b) => (nodes[a]!.nodeId < nodes[b]!.nodeId ? -1 : 1)
}

function sortedLabels(labels: Readonly<Record<string, string>> = {}): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What every task of the job needs on its node. */
function contentOf({ spec }: Job): { readonly digest: string; readonly size: number }[] {
  return [spec.program, ...spec.inputs, ...(spec.stdin ? [spec.stdin] : [])]
}
