import { Crowd, type Density, everyPoint } from './crowding.ts'
import { Neighbourhood } from './neighbours.ts'
import { checkComparable, countPoints } from './nsga2-error.ts'

/** Looking at all pairs of a larger front takes longer than it is worth. */
const MOST_NEIGHBOURS = 4096

/**
 * The `keep` members of one front that are left when always the most crowded one goes and what its neighbours lose is
 * reckoned anew: cutting all at once by distances measured once tears holes where points stand in groups. Answers members in
 * their order.
 *
 * Up to two objectives by crowding distance (Kukkonen and Deb, "Improved pruning of non-dominated solutions based on crowding
 * distance for bi-objective optimization problems", 2006), O(n log n); from three on by nearest neighbours, O(n² m), unless
 * there are more than 4096.
 * @throws Nsga2Error `nsga2.not_a_number` or `nsga2.wrong_shape`.
 */
export function prune(
  objectives: Float64Array,
  objectiveCount: number,
  keep: number,
  members?: Uint32Array,
): Uint32Array {
  const front = Uint32Array.from(members ?? everyPoint(countPoints(objectives, objectiveCount)))
  checkComparable(objectives, objectiveCount, countPoints(objectives, objectiveCount), 'An objective')
  const density = new SuitedDensity(objectiveCount)
  return front.subarray(0, density.prune(objectives, front, keep, new Float64Array(front.length)))
}

/** Crowding distance or nearest neighbours, as suits the number of objectives and the size of the front. */
export class SuitedDensity implements Density {
  readonly #crowd: Crowd
  readonly #neighbourhood: Neighbourhood | undefined

  constructor(objectiveCount: number) {
    this.#crowd = new Crowd(objectiveCount)
    this.#neighbourhood = objectiveCount > 2 ? new Neighbourhood(objectiveCount) : undefined
  }

  measure(objectives: Float64Array, members: Uint32Array, distances: Float64Array): void {
    this.#suited(members).measure(objectives, members, distances)
  }

  prune(objectives: Float64Array, members: Uint32Array, keep: number, distances: Float64Array): number {
    return this.#suited(members).prune(objectives, members, keep, distances)
  }

  #suited(members: Uint32Array): Density {
    return members.length <= MOST_NEIGHBOURS ? (this.#neighbourhood ?? this.#crowd) : this.#crowd
  }
}
