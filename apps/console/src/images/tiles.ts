import type { Picture } from './netpbm.ts'

/** Where a picture belongs in a larger one. */
export interface Place {
  readonly row: number
  readonly column: number
}

/** The place a tile names in a comment of its header, as `# row 1 column 2`; undefined when it names none. */
export function placeOf(picture: Pick<Picture, 'comments'>): Place | undefined {
  for (const comment of picture.comments) {
    const found = /^row (\d{1,4}) column (\d{1,4})$/.exec(comment)
    if (found) return { row: Number(found[1]), column: Number(found[2]) }
  }
  return undefined
}

export interface Mosaic {
  readonly rows: number
  readonly columns: number
  /** Of every tile alike. */
  readonly tileWidth: number
  readonly tileHeight: number
}

/** How the tiles fit together, or undefined when they do not: unlike sizes, or no place for two at least. */
export function mosaicOf(
  tiles: readonly { readonly place: Place | undefined; readonly picture: Pick<Picture, 'width' | 'height'> }[],
): Mosaic | undefined {
  const [first] = tiles
  if (!first || tiles.length < 2) return undefined
  const { width: tileWidth, height: tileHeight } = first.picture
  const places: Place[] = []
  for (const { place, picture } of tiles) {
    if (!place || picture.width !== tileWidth || picture.height !== tileHeight) return undefined
    places.push(place)
  }
  const rows = 1 + Math.max(...places.map(({ row }) => row))
  const columns = 1 + Math.max(...places.map(({ column }) => column))
  return { rows, columns, tileWidth, tileHeight }
}
