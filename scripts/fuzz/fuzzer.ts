import { randomBelow, type Rng } from '@fog/kernel'
import type { FuzzTarget } from '../../tests/fuzz/target.ts'
import type { BranchCounts } from './instrument.ts'
import { mutate } from './mutate.ts'

/** An input that made the target throw, or take longer than any input should. */
export interface Finding {
  readonly input: Uint8Array
  readonly fault: unknown
}

export interface FuzzReport {
  readonly runs: number
  /** Branches that some input reached. */
  readonly branches: number
  /** The fewest inputs that reach all that was reached, each as often. */
  readonly corpus: readonly Uint8Array[]
  readonly findings: readonly Finding[]
}

export interface FuzzOptions {
  readonly forMs: number
  readonly mostBytes: number
  readonly mostFindings: number
}

const SLOW_MS = 1000
/** How many runs go by between two looks at the clock. */
const RUNS_A_LOOK = 64

interface Kept {
  readonly input: Uint8Array
  readonly reached: ReadonlySet<number>
}

/**
 * Coverage-guided search: inputs that take a branch, or take it markedly more often than any before, are kept and changed
 * further. Stops when the time is over or enough was found.
 */
export function fuzz(
  target: FuzzTarget,
  corpus: readonly Uint8Array[],
  { rng, counts, elapsedMs }: { rng: Rng; counts: BranchCounts; elapsedMs: () => number },
  options: FuzzOptions,
): FuzzReport {
  const reachedByAll = new Set<number>()
  const kept: Kept[] = []
  const findings: Finding[] = []
  let runs = 0
  const tryOut = (input: Uint8Array) => {
    runs += 1
    const { reached, fault } = runOnce(target, input, counts, elapsedMs)
    if (fault !== undefined) findings.push({ input, fault })
    const isNew = reached.some((feature) => !reachedByAll.has(feature))
    if (!isNew) return
    for (const feature of reached) reachedByAll.add(feature)
    kept.push({ input, reached: new Set(reached) })
  }
  for (const input of [...target.seeds(), ...corpus]) tryOut(input)
  while (findings.length < options.mostFindings && elapsedMs() < options.forMs) {
    for (let i = 0; i < RUNS_A_LOOK; i++) {
      // What was found last is changed more often: it stands at the border of what is known.
      const back = Math.floor(kept.length * rng.next() ** 2)
      const { input } = kept[kept.length - 1 - Math.min(back, kept.length - 1)]!
      tryOut(mutate(input, kept[randomBelow(rng, kept.length)]!.input, rng, options.mostBytes))
    }
  }
  const branches = new Set([...reachedByAll].map((feature) => feature >> 3)).size
  return { runs, branches, corpus: fewest(kept), findings }
}

function runOnce(
  target: FuzzTarget,
  input: Uint8Array,
  { counts, used }: BranchCounts,
  elapsedMs: () => number,
): { reached: number[]; fault: unknown } {
  counts.fill(0, 0, used())
  const startedAt = elapsedMs()
  let fault: unknown
  try {
    target.run(input.slice())
  } catch (error) {
    fault = error
  }
  const tookMs = elapsedMs() - startedAt
  if (fault === undefined && tookMs > SLOW_MS) fault = new Error(`took ${Math.round(tookMs)} ms`)
  const reached: number[] = []
  const end = used()
  for (let i = 0; i < end; i++) if (counts[i] !== 0) reached.push(8 * i + grade(counts[i]!))
  return { reached, fault }
}

/** 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more: finer steps would keep an input for every turn of a loop. */
function grade(count: number): number {
  if (count < 4) return count - 1
  if (count < 32) return Math.floor(Math.log2(count)) + 1
  return count < 128 ? 6 : 7
}

/** A greedy cover, the shortest inputs first among equals. */
function fewest(kept: readonly Kept[]): Uint8Array[] {
  const left = kept.toSorted((a, b) => a.input.length - b.input.length)
  const covered = new Set<number>()
  const chosen: Uint8Array[] = []
  while (true) {
    let best: Kept | undefined
    let bestGain = 0
    for (const one of left) {
      let gain = 0
      for (const feature of one.reached) if (!covered.has(feature)) gain += 1
      if (gain > bestGain) [best, bestGain] = [one, gain]
    }
    if (!best) return chosen
    for (const feature of best.reached) covered.add(feature)
    chosen.push(best.input)
  }
}
