/** Pareto ranks by the definition alone, each point against each, front after front. O(n² m) a front. */
export function rankByDefinition(objectives: Float64Array, width: number, violations?: Float64Array): Uint32Array {
  const count = objectives.length / width
  const ranks = new Uint32Array(count)
  let left = Array.from({ length: count }, (_, i) => i)
  for (let front = 0; left.length > 0; front++) {
    const best = new Set(left.filter((i) => !left.some((other) => dominates(objectives, width, other, i, violations))))
    for (const i of best) ranks[i] = front
    left = left.filter((i) => !best.has(i))
  }
  return ranks
}

/** Nowhere worse and somewhere better; with constraints, feasible over infeasible and less over more violation (Deb 2002). */
function dominates(
  objectives: Float64Array,
  width: number,
  a: number,
  b: number,
  violations: Float64Array | undefined,
): boolean {
  const [own, other] = [Math.max(0, violations?.[a] ?? 0), Math.max(0, violations?.[b] ?? 0)]
  if (own > 0 || other > 0) return own < other
  let isBetter = false
  for (let k = 0; k < width; k++) {
    const [x, y] = [objectives[a * width + k]!, objectives[b * width + k]!]
    if (x > y) return false
    if (x < y) isBetter = true
  }
  return isBetter
}

/** Hypervolume of points with whole coordinates from 0 to `most`: counts the unit cells they cover. */
export function coveredCells(objectives: Float64Array, width: number, most: number): number {
  let cells = 0
  for (let cell = 0; cell < most ** width; cell++) {
    const corner = Array.from({ length: width }, (_, k) => Math.floor(cell / most ** k) % most)
    for (let from = 0; from < objectives.length; from += width) {
      if (corner.every((at, k) => objectives[from + k]! <= at)) {
        cells++
        break
      }
    }
  }
  return cells
}
