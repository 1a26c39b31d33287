import { mkdirSync, writeFileSync } from 'node:fs'

/** Writes tiles/*.json: the view below, cut into a grid of tiles. Change the view and render another picture. */
const view = { x: -0.74369, y: 0.13186, width: 0.0006, rows: 4, columns: 4, side: 256, iterations: 3000 }

const folder = new URL('tiles/', import.meta.url)
mkdirSync(folder, { recursive: true })
const step = view.width / (view.columns * view.side)
for (let row = 0; row < view.rows; row++) {
  for (let column = 0; column < view.columns; column++) {
    const left = view.x + (column - view.columns / 2) * view.side * step
    const top = view.y - (row - view.rows / 2) * view.side * step
    const tile = { row, column, left, top, step, width: view.side, height: view.side, iterations: view.iterations }
    writeFileSync(new URL(`r${row}-c${column}.json`, folder), `${JSON.stringify(tile)}\n`)
  }
}
