import type { PlacementModel } from './model.ts'

/**
 * Room of a node that typical tasks cannot use, as a share of the node: for each typical shape that no longer fits, its
 * share of the tasks times what is left of the dimension that is left most. After the fragmentation measure of Weng et
 * al., "Beware of Fragmentation" (USENIX ATC 2023), with the devices of a node counted together.
 */
export function strandedRoom(model: PlacementModel, free: Float64Array, node: number): number {
  const { capacity, dimensions, typical } = model
  const size = dimensions.length
  const at = node * size
  let left = 0
  for (let d = 0; d < size; d += 1) {
    const whole = capacity[at + d]!
    if (whole > 0) left = Math.max(left, free[at + d]! / whole)
  }
  if (left === 0) return 0
  let stranded = 0
  for (const { demand, share } of typical) {
    for (let d = 0; d < size; d += 1) {
      if (demand[d]! > free[at + d]!) {
        stranded += share
        break
      }
    }
  }
  return stranded * left
}
