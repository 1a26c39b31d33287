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
  /** The members' values beside each other, in their order. */
  readonly #values: Float64Array
  readonly #places: Uint32Array
  readonly #distances: Float64Array
  readonly #clipped: Float64Array

  constructor(width: number, bound: number) {
    this.#width = width
    this.bound = bound
    this.#crowd = new Crowd(width)
    this.#values = new Float64Array((bound + 1) * width)
    this.#places = Uint32Array.from({ length: bound + 1 }, (_, place) => place)
    this.#distances = new Float64Array(bound + 1)
    this.#clipped = new Float64Array(bound * width)
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
    let dominated = 0
    for (let place = 0; place < this.#members.length; place += 1) {
      const order = this.#compare(place, values)
      if (order < 0) return false
      dominated += order
    }
    if (dominated > 0) this.#keep((place) => this.#compare(place, values) === 0)
    const member = { values: values.slice(), nodeOf: nodeOf.slice() }
    this.#values.set(values, this.#members.length * this.#width)
    this.#members.push(member)
    if (this.#members.length <= this.bound) return true
    const goes = this.#leastMissed()
    const isTaken = this.#members[goes] !== member
    this.#keep((place) => place !== goes)
    return isTaken
  }

  /** -1 where the member is as good as the values everywhere, 1 where they are as good and better somewhere, else 0. */
  #compare(place: number, values: Float64Array): number {
    const at = place * this.#width
    let isBetter = false
    let isWorse = false
    for (let k = 0; k < this.#width; k += 1) {
      const held = this.#values[at + k]!
      if (held < values[k]!) isBetter = true
      else if (held > values[k]!) isWorse = true
    }
    if (!isWorse) return -1
    return isBetter ? 0 : 1
  }

  #keep(stays: (place: number) => boolean): void {
    this.#members = this.#members.filter((_, place) => stays(place))
    for (const [place, { values }] of this.#members.entries()) this.#values.set(values, place * this.#width)
  }

  #leastMissed(): number {
    this.#crowd.measure(this.#values, this.#places, this.#distances)
    let least = Number.POSITIVE_INFINITY
    let goes = -1
    let looked = 0
    const most = this.#reference ? CANDIDATES : 1
    for (let tries = 0; tries < this.#members.length && looked < most; tries += 1) {
      const place = this.#mostCrowded()
      this.#distances[place] = Number.NaN
      if (goes === -1) goes = place
      if (this.#isOnlyGuard(this.#members[place]!)) continue
      looked += 1
      const own = this.#reference ? this.#volumeOf(place, this.#reference) : 0
      if (own >= least) continue
      least = own
      goes = place
    }
    return goes
  }

  /** Of those not looked at yet. */
  #mostCrowded(): number {
    let crowded = -1
    for (let place = 0; place < this.#members.length; place += 1) {
      const distance = this.#distances[place]!
      if (Number.isNaN(distance)) continue
      if (crowded === -1 || distance < this.#distances[crowded]!) crowded = place
    }
    return crowded
  }

  /** The volume no other member covers. */
  #volumeOf(place: number, reference: Float64Array): number {
    const width = this.#width
    const from = place * width
    let whole = 1
    for (let k = 0; k < width; k += 1) whole *= Math.max(0, reference[k]! - this.#values[from + k]!)
    if (whole === 0) return 0
    // What others cover of it: each as if it began no lower than the member.
    let size = 0
    for (let other = 0; other < this.#members.length; other += 1) {
      if (other === place) continue
      for (let k = 0; k < width; k += 1) {
        this.#clipped[size + k] = Math.max(this.#values[other * width + k]!, this.#values[from + k]!)
      }
      size += width
    }
    return whole - hypervolume(this.#clipped.subarray(0, size), reference)
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
