import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '@fog/kernel'
import { compileProgram, runTask, type TaskOutcome } from '@fog/idle'
import { hasCommittedCompiler, rebuild } from '../rebuild.ts'

const HERE = import.meta.dirname
const palette = readFileSync(join(HERE, 'palette.txt'))
const module = compileProgram(readFileSync(join(HERE, 'build/mandel.wasm')))
const tiles = readdirSync(join(HERE, 'tiles'))

interface Tile {
  readonly row: number
  readonly column: number
  readonly left: number
  readonly top: number
  readonly step: number
  readonly width: number
  readonly height: number
  readonly iterations: number
}

const scratch = mkdtempSync(join(tmpdir(), 'fog-mandelbrot-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function draw(description: string | Uint8Array, colours: Uint8Array = palette): TaskOutcome {
  const bytes = typeof description === 'string' ? utf8(description) : description
  return runTask({
    module,
    fuelLimit: 10n ** 11n,
    programName: 'mandel',
    args: ['/in/tile.json', '/out/tile.ppm'],
    files: [
      ['/in/tile.json', bytes],
      ['/in/palette.txt', colours],
    ],
  })
}

function smallTile(change: Partial<Tile> = {}): string {
  const tile = { row: 0, column: 0, left: -2.2, top: 1.4, step: 0.175, width: 16, height: 16, iterations: 200 }
  return JSON.stringify({ ...tile, ...change })
}

function pixelsOf(outcome: TaskOutcome): Uint8Array {
  const picture = outcome.outputs.get('tile.ppm')
  if (!picture) throw new Error(fromUtf8(outcome.stderr))
  const end = Buffer.from(picture).indexOf('\n255\n') + 5
  return picture.subarray(end)
}

describe('the program', () => {
  test('colours each point as the formula says', () => {
    const tile = JSON.parse(smallTile()) as Tile
    const pixels = pixelsOf(draw(smallTile()))
    expect(pixels.length).toBe(16 * 16 * 3)
    const stops = stopsOf(fromUtf8(palette))
    for (let place = 0; place < 16 * 16; place++) {
      const expected = pixelByTheFormula(tile, stops, place % 16, Math.floor(place / 16))
      for (let channel = 0; channel < 3; channel++) {
        // One apart where the last bit of a logarithm decides the rounding.
        expect(Math.abs(pixels[3 * place + channel]! - expected[channel]!)).toBeLessThanOrEqual(1)
      }
    }
  })

  test('gives the same bytes, fuel and words each time', () => {
    const [first, second] = [draw(smallTile()), draw(smallTile())]
    expect(second.outputs).toEqual(first.outputs)
    expect(second.fuelUsed).toBe(first.fuelUsed)
    expect(fromUtf8(first.stdout)).toMatch(/^row 0 column 0: \d+ steps, \d+ of 1024 points inside\n$/)
  })

  test.each([
    ['is not JSON', 'left 3', 'is not a JSON object'],
    ['lacks a field', '{"row":0}', 'does not have each field once'],
    ['has a field too many', smallTile({ zoom: 3 } as object), 'has a field that is not known'],
    ['has a word for a number', '{"row":"x"}', 'is no "name": number'],
    ['is too wide', smallTile({ width: 5000 }), 'between 1 and 4096 pixels'],
    ['is cut off', smallTile().slice(0, -1), 'has no closing brace'],
  ])('refuses a description that %s', (_, description, says) => {
    const outcome = draw(description)
    expect(outcome).toMatchObject({ status: 'exited', exitCode: 1 })
    expect(fromUtf8(outcome.stderr)).toContain(says)
    expect(outcome.outputs.size).toBe(0)
  })

  test('refuses a palette that does not reach round', () => {
    const outcome = draw(smallTile(), utf8('0 1 2 3\n0.5 4 5 6\n'))
    expect(fromUtf8(outcome.stderr)).toContain('does not reach from 0 to 1')
  })
})

test('the committed tiles join into one picture without a gap', () => {
  const all = tiles.map((name) => JSON.parse(readFileSync(join(HERE, 'tiles', name), 'utf8')) as Tile)
  expect(all.length).toBe(16)
  const origin = all.find((tile) => tile.row === 0 && tile.column === 0)!
  for (const tile of all) {
    expect(tile.left).toBeCloseTo(origin.left + tile.column * tile.width * tile.step, 12)
    expect(tile.top).toBeCloseTo(origin.top - tile.row * tile.height * tile.step, 12)
  }
})

test('stitch puts every tile where it belongs', () => {
  const places = [0, 1, 2, 3].map((place) => ({
    row: place >> 1,
    column: place & 1,
    left: -2.2 + place,
    width: 8,
    height: 8,
  }))
  const drawn = places.map((place) => draw(smallTile(place)))
  drawn.forEach((outcome, index) => {
    // As results are laid down: one folder a task. Their order must not matter.
    const folder = join(scratch, `${7 - index}-tile`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'tile.ppm'), outcome.outputs.get('tile.ppm')!)
  })
  const png = join(scratch, 'whole.png')
  execFileSync(process.execPath, [join(HERE, 'stitch.mjs'), scratch, png])
  const whole = decodePng(readFileSync(png))
  expect([whole.width, whole.height]).toEqual([16, 16])
  for (const { row, column } of places) {
    const tile = pixelsOf(drawn[2 * row + column]!)
    for (let y = 0; y < 8; y++) {
      const at = ((row * 8 + y) * 16 + column * 8) * 3
      expect(whole.pixels.subarray(at, at + 24)).toEqual(tile.subarray(y * 24, y * 24 + 24))
    }
  }
})

test('stitch names the tile that is missing', () => {
  const folder = mkdtempSync(join(scratch, 'lone-'))
  writeFileSync(join(folder, 'tile.ppm'), draw(smallTile({ column: 1 })).outputs.get('tile.ppm')!)
  const run = () =>
    execFileSync(process.execPath, [join(HERE, 'stitch.mjs'), folder, join(folder, 'x.png')], { stdio: 'pipe' })
  expect(run).toThrow('There are 0 tiles for row 0, column 0')
})

test.skipIf(!hasCommittedCompiler())('the committed program is the source, compiled', () => {
  expect(rebuild(HERE)).toEqual(new Uint8Array(readFileSync(join(HERE, 'build/mandel.wasm'))))
})

type Stop = readonly [at: number, red: number, green: number, blue: number]

function stopsOf(text: string): Stop[] {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
  return lines.map((line) => line.trim().split(/\s+/).map(Number) as unknown as Stop)
}

function pixelByTheFormula(tile: Tile, stops: readonly Stop[], px: number, py: number): number[] {
  const sum = [0, 0, 0]
  for (const [dx, dy] of [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
  ] as const) {
    const steps = escape(tile.left + (px + dx) * tile.step, tile.top - (py + dy) * tile.step, tile.iterations)
    if (steps === undefined) continue
    const at = (Math.sqrt(steps) / 8) % 1
    const above = stops.findIndex((stop, i) => i > 0 && stop[0] >= at)
    const [a, b] = [stops[above - 1]!, stops[above]!]
    const part = (at - a[0]) / (b[0] - a[0])
    for (const channel of [1, 2, 3] as const) sum[channel - 1]! += a[channel] + part * (b[channel] - a[channel])
  }
  return sum.map((total) => Math.floor(total / 4 + 0.5))
}

function escape(cx: number, cy: number, iterations: number): number | undefined {
  let [x, y] = [0, 0]
  for (let n = 0; n < iterations; n++) {
    const square = x * x + y * y
    if (square > 65536) return n + 1 - Math.log2(Math.log(Math.sqrt(square)))
    ;[x, y] = [x * x - y * y + cx, 2 * x * y + cy]
  }
  return undefined
}

function decodePng(png: Buffer): { width: number; height: number; pixels: Uint8Array } {
  const data: Buffer[] = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  }
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const lines = inflateSync(Buffer.concat(data))
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    expect(lines[y * (width * 3 + 1)]).toBe(1)
    for (let x = 0; x < width * 3; x++) {
      const before = x < 3 ? 0 : pixels[y * width * 3 + x - 3]!
      pixels[y * width * 3 + x] = lines[y * (width * 3 + 1) + 1 + x]! + before
    }
  }
  return { width, height, pixels }
}
