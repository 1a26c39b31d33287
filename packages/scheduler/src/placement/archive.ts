import { Crowd } from '../nsga2/crowding.ts'
import { hypervolume } from '../nsga2/hypervolume.ts'

/** One feasible arrangement and what it is worth, in the order of the model's objectives. */
export interface Member {
  readonly values: Float64Array
  readonly nodeOf: Int32Array
}

/** Of so many of the most crowded members the one goes that adds least to the volume. */
const CANDIDATES = 4

/**
 * The best points found, none dominated by another, at most `bound` of them. When one is too many, the most crowded go, one
 * at a time; but never the only one that is as good as a guarded point in every objective. The ends stay.
 *
 * Crowding alone would let an archive of three objectives get worse with time: what leaves a crowd may have been the only
 * one to keep weaker points out. Once there is a reference point, of the few most crowded the one goes that covers least of
 * the hypervolume by itself.
 */
export class Archive {
  readonly bound: number
  readonly #width: number
  #members: Member[] = []
  readonly #guards: Float64Array[] = []
  readonly #crowd: Crowd
  #reference: Float64Array | undefined
  readonly #values: Float64Array
  readonly #places: Uint32Array
  readonly #distances: Float64Array

  constructor(width: number, bound: number) {
    this.#width = width
    this.bound = bound
    this.#crowd = new Crowd(width)
    this.#values = new Float64Array((bound + 1) * width)
    this.#places = Uint32Array.from({ length: bound + 1 }, (_, place) => place)
    this.#distances = new Float64Array(bound + 1)
  }

  get members(): readonly Member[] {
    return this.#members
  }

  /** Volumes are measured up to this point, in up to three objectives: with more they would cost too much. */
  measureTo(reference: Float64Array): void {
    if (reference.length <= 3) this.#reference = reference.slice()
  }

  /** From now on some member is always at least as good as this point, which the archive has been offered, everywhere. */
  guard(values: Float64Array): void {
    if (this.#guards.some((guard) => isAsGood(guard, values))) return
    this.#guards.push(values.slice())
  }

  /** Takes the point in unless a member is as good; copies what it is given. Whether it was taken. */
  offer(values: Float64Array, nodeOf: Int32Array): boolean {
    for (const member of this.#members) if (isAsGood(member.values, values)) return false
    this.#members = this.#members.filter((member) => !isAsGood(values, member.values))
    const member = { values: values.slice(), nodeOf: nodeOf.slice() }
    this.#members.push(member)
    if (this.#members.length <= this.bound) return true
    const goes = this.#leastMissed()
    this.#members = this.#members.filter((other) => other !== goes)
    return goes !== member
  }

  #leastMissed(): Member {
    for (const [at, { values }] of this.#members.entries()) this.#values.set(values, at * this.#width)
    this.#crowd.measure(this.#values, this.#places, this.#distances)
    const order = this.#places.toSorted((a, b) => this.#distances[a]! - this.#distances[b]!)
    const members = Array.from(order, (place) => this.#members[place]!)
    if (!this.#reference) return members.find((member) => !this.#isOnlyGuard(member)) ?? members[0]!
    let least = Number.POSITIVE_INFINITY
    let goes = members[0]!
    let looked = 0
    for (const member of members) {
      if (looked === CANDIDATES) break
      if (this.#isOnlyGuard(member)) continue
      looked += 1
      const own = this.#volumeOf(member, this.#reference)
      if (own >= least) continue
      least = own
      goes = member
    }
    return goes
  }

  /** The volume no other member covers. */
  #volumeOf(member: Member, reference: Float64Array): number {
    const width = this.#width
    let whole = 1
    for (let k = 0; k < width; k += 1) whole *= Math.max(0, reference[k]! - member.values[k]!)
    if (whole === 0) return 0
    // What others cover of it: each as if it began no lower than the member.
    const clipped: number[] = []
    for (const { values } of this.#members) {
      if (values === member.values) continue
      for (let k = 0; k < width; k += 1) clipped.push(Math.max(values[k]!, member.values[k]!))
    }
    return whole - hypervolume(Float64Array.from(clipped), reference)
  }

  #isOnlyGuard(member: Member): boolean {
    return this.#guards.some(
      (guard) =>
        isAsGood(member.values, guard) &&
        !this.#members.some((other) => other !== member && isAsGood(other.values, guard)),
    )
  }
}

/** Whether `a` is no worse than `b` in any objective: it dominates it weakly. */
export function isAsGood(a: Float64Array, b: Float64Array): boolean {
  for (let k = 0; k < a.length; k += 1) if (a[k]! > b[k]!) return false
  return true
}
