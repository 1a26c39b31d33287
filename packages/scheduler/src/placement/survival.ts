import { Crowd } from '../nsga2/crowding.ts'
import { rank } from '../nsga2/rank.ts'
import type { Member } from './archive.ts'

/** The best `keep` by rank, and of the rank that does not fit as a whole the least crowded, pruned one at a time. */
export function survivors<M extends Member>(all: readonly M[], keep: number): M[] {
  if (all.length <= keep) return [...all]
  const width = all[0]!.values.length
  const values = new Float64Array(all.length * width)
  for (const [at, individual] of all.entries()) values.set(individual.values, at * width)
  const ranks = rank(values, width)
  const kept: M[] = []
  for (let level = 0; kept.length < keep; level += 1) {
    const members = Uint32Array.from([...ranks.keys()].filter((at) => ranks[at] === level))
    const room = Math.min(keep - kept.length, members.length)
    const staying = new Crowd(width).prune(values, members, room, new Float64Array(members.length))
    for (let i = 0; i < staying; i += 1) kept.push(all[members[i]!]!)
  }
  return kept
}
