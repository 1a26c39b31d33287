/** How many squares stand in a row, and how large they are. */
export interface Grid {
  readonly columns: number
  /** From one square to the next, in pixels. */
  readonly cell: number
  readonly gap: number
  readonly width: number
  readonly height: number
}

const LARGEST_CELL = 30
const SMALLEST_CELL = 6
const ROWS_WANTED = 8

/** The largest squares with which `count` of them stay within a few rows of `width` pixels. Pure. */
export function gridFor(count: number, width: number): Grid {
  if (width <= 0 || count === 0) return { columns: 0, cell: 0, gap: 0, width: 0, height: 0 }
  let cell = LARGEST_CELL
  while (cell > SMALLEST_CELL && Math.ceil(count / Math.floor(width / cell)) > ROWS_WANTED) cell -= 1
  const columns = Math.max(1, Math.floor(width / cell))
  const gap = cell > 20 ? 4 : cell > 12 ? 3 : 1
  const rows = Math.ceil(count / columns)
  return { columns, cell, gap, width: Math.min(columns, count) * cell, height: rows * cell }
}

/** Which square lies under a point, or undefined between and beyond them. */
export function cellAt(grid: Grid, x: number, y: number): number | undefined {
  if (x < 0 || y < 0 || grid.columns === 0) return undefined
  const [column, row] = [Math.floor(x / grid.cell), Math.floor(y / grid.cell)]
  if (column >= grid.columns || x % grid.cell > grid.cell - grid.gap || y % grid.cell > grid.cell - grid.gap)
    return undefined
  return row * grid.columns + column
}
