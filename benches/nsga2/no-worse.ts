/**
 * One-sided Mann-Whitney U of figures against as many copies of a constant bar, alternative "figures are less": normal
 * approximation with correction for ties and continuity, as SciPy's `mannwhitneyu(figures, [bar] * n, alternative='less',
 * method='asymptotic')`. The bars are medians of other libraries, whose runs are not at hand. Small p: worse than the bar.
 */
export function mannWhitneyLess(figures: readonly number[], bar: number): number {
  const n = figures.length
  const wins = figures.reduce((sum, figure) => sum + (figure > bar ? n : figure === bar ? n / 2 : 0), 0)
  const all = [...figures, ...Array<number>(n).fill(bar)]
  const sizes = new Map<number, number>()
  for (const value of all) sizes.set(value, (sizes.get(value) ?? 0) + 1)
  const ties = sizes.values().reduce((sum, size) => sum + size ** 3 - size, 0)
  const total = 2 * n
  const variance = ((n * n) / 12) * (total + 1 - ties / (total * (total - 1)))
  // All equal to the bar: as good as it.
  return variance === 0 ? 1 : normalBelow((wins - (n * n) / 2 + 0.5) / Math.sqrt(variance))
}

/**
 * One-sided Wilcoxon signed-rank test of figures against a constant bar, alternative "their median is less", with the exact
 * distribution of the rank sum: the one-sample companion of the test above. Figures equal to the bar are left out; no two
 * figures are expected at the same distance from it.
 */
export function signedRankLess(figures: readonly number[], bar: number): number {
  const gaps = figures.map((figure) => figure - bar).filter((gap) => gap !== 0)
  const sorted = gaps.toSorted((a, b) => Math.abs(a) - Math.abs(b))
  const above = sorted.reduce((sum, gap, i) => sum + (gap > 0 ? i + 1 : 0), 0)
  const most = (gaps.length * (gaps.length + 1)) / 2
  // ways[s]: share of all signs for which the ranks above sum to s.
  const ways = new Float64Array(most + 1)
  ways[0] = 1
  for (let rank = 1; rank <= gaps.length; rank++) {
    for (let sum = most; sum >= 0; sum--) ways[sum] = (ways[sum]! + (sum >= rank ? ways[sum - rank]! : 0)) / 2
  }
  return ways.subarray(0, above + 1).reduce((sum, share) => sum + share, 0)
}

/** The standard normal distribution up to z: Abramowitz and Stegun 7.1.26, to within 1.5e-7. */
function normalBelow(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2)
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const tail = (poly * Math.exp((-z * z) / 2)) / 2
  return z < 0 ? tail : 1 - tail
}
