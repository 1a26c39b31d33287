import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { deflateSync } from 'node:zlib'

/**
 * node stitch.mjs RESULTS [OUT.png]: finds every .ppm below RESULTS, puts each where its comment says, and writes
 * one PNG (default mandelbrot.png).
 */

/** The PNG of all tiles below `folder`. Throws, naming the place, when one is missing or there twice. */
export function stitch(folder) {
  const tiles = picturesBelow(folder).map((path) => readTile(readFileSync(path), path))
  if (tiles.length === 0) throw new Error(`There is no .ppm below ${folder}.`)
  const [{ width, height }] = tiles
  const rows = 1 + Math.max(...tiles.map((tile) => tile.row))
  const columns = 1 + Math.max(...tiles.map((tile) => tile.column))
  const picture = { width: columns * width, height: rows * height }
  const pixels = Buffer.alloc(picture.width * picture.height * 3)
  for (let place = 0; place < rows * columns; place++) {
    const [row, column] = [Math.floor(place / columns), place % columns]
    const here = tiles.filter((tile) => tile.row === row && tile.column === column)
    if (here.length !== 1) throw new Error(`There are ${here.length} tiles for row ${row}, column ${column}.`)
    paste(here[0], pixels, picture.width)
  }
  return encodePng({ ...picture, pixels })
}

function picturesBelow(folder) {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? picturesBelow(path) : path.endsWith('.ppm') ? [path] : []))
}

function readTile(bytes, path) {
  const header = /^P6\n# row (\d+) column (\d+)\n(\d+) (\d+)\n255\n/.exec(bytes.toString('latin1', 0, 100))
  if (!header) throw new Error(`${path} is not a tile of mandel.`)
  const [row, column, width, height] = header.slice(1).map(Number)
  const pixels = bytes.subarray(header[0].length)
  if (pixels.length !== width * height * 3) throw new Error(`${path} is cut off.`)
  return { row, column, width, height, pixels }
}

function paste({ row, column, width, height, pixels }, into, totalWidth) {
  for (let y = 0; y < height; y++) {
    const at = ((row * height + y) * totalWidth + column * width) * 3
    into.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), at)
  }
}

/** Eight-bit RGB (PNG specification, third edition), every line by the Sub filter, which suits smooth colours. */
export function encodePng({ width, height, pixels }) {
  const line = width * 3
  const filtered = Buffer.alloc((line + 1) * height)
  for (let y = 0; y < height; y++) {
    filtered[y * (line + 1)] = 1
    for (let x = 0; x < line; x++) {
      const before = x < 3 ? 0 : pixels[y * line + x - 3]
      filtered[y * (line + 1) + 1 + x] = pixels[y * line + x] - before
    }
  }
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0])
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const data = deflateSync(filtered, { level: 9 })
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  whole.set(body, 4)
  whole.writeUInt32BE(crc32(body), whole.length - 4)
  return whole
}

// Node 20 has no zlib.crc32 yet.
function crc32(bytes) {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [results, out = 'mandelbrot.png'] = process.argv.slice(2)
  if (!results) throw new Error('usage: node stitch.mjs RESULTS [OUT.png]')
  writeFileSync(out, stitch(results))
  console.log(`wrote ${out}`)
}
