import type { GenomeKind } from './genome.ts'

/** What is to be minimised, and over what. */
export interface Problem<Genome> {
  readonly genome: GenomeKind<Genome>
  /** How many objectives there are, from 1 on. */
  readonly objectiveCount: number
  /**
   * Writes the objectives of a genome into `objectives`, each to be made as small as can be, and answers by how much it
   * breaks the constraints in total: 0, or nothing, when it breaks none. Must not change the genome nor keep either. Infinity
   * is as bad as can be; NaN is refused.
   */
  readonly evaluate: (genome: Genome, objectives: Float64Array) => number | void
}

/** The best found: no one of them dominates another. Sorted by the first objective, then the next. */
export interface Front<Genome> {
  readonly genomes: readonly Genome[]
  /** One row for each genome, flat: `genomes.length` x `objectiveCount`. */
  readonly objectives: Float64Array
  /** Total constraint violation of each; all 0 unless nothing feasible was found. */
  readonly violations: Float64Array
}
