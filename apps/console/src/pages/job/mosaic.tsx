import { useQueries, useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { useEffect, useMemo, useRef } from 'react'
import type { TaskResultView } from '@fog/contract'
import { countOf } from '../../format/format.ts'
import type { Picture } from '../../images/netpbm.ts'
import { mosaicOf, type Mosaic as MosaicShape, placeOf } from '../../images/tiles.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { useClient } from '../../session/session-context.tsx'
import { pictureQuery, picturedResultsQuery } from './queries.ts'
import { saveBlob } from './save.ts'

const NETPBM = /\.(ppm|pgm|pbm|pnm)$/i
/** Pictures decoded in one page: enough for a large poster, and a phone still holds it. */
const MOST_BYTES = 48 * 1024 * 1024

interface MosaicProps {
  readonly jobId: string
  readonly name: string
  readonly tasks: number
  readonly done: number
}

/** The picture that a job's tiles make together, growing while they arrive; nothing for other jobs. */
export function Mosaic({ jobId, name, tasks, done }: MosaicProps) {
  const client = useClient()
  const results = useQuery({ ...picturedResultsQuery(client, jobId), enabled: done > 0 && tasks > 1 })
  const digests = useMemo(() => tileDigests(results.data?.items ?? []), [results.data])
  // The first tile says whether there is a whole at all; only then the others are fetched.
  const first = useQuery({ ...pictureQuery(client, digests[0] ?? ''), enabled: digests.length > 0 })
  const isTiled = first.data !== undefined && placeOf(first.data) !== undefined
  const pictures = useQueries({
    queries: isTiled ? digests.map((digest) => pictureQuery(client, digest)) : [],
    combine: readyOnes,
  })
  const shape = useMemo(() => mosaicOf(pictures.map((picture) => ({ place: placeOf(picture), picture }))), [pictures])
  if (!shape) return null
  return <MosaicCard name={name} pictures={pictures} shape={shape} tiles={tasks} />
}

function readyOnes(queries: readonly { readonly data: Picture | undefined }[]): Picture[] {
  return queries.map(({ data }) => data).filter((picture) => picture !== undefined)
}

function tileDigests(results: readonly TaskResultView[]): string[] {
  const digests: string[] = []
  let bytes = 0
  for (const { outputs } of results) {
    const picture = outputs.find(({ path }) => NETPBM.test(path))
    if (!picture) continue
    bytes += picture.size
    if (bytes > MOST_BYTES) break
    digests.push(picture.digest)
  }
  return digests
}

function MosaicCard({
  name,
  pictures,
  shape,
  tiles,
}: {
  name: string
  pictures: readonly Picture[]
  shape: MosaicShape
  tiles: number
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const whole = pictures.length >= tiles
  useEffect(() => draw(canvas.current!, pictures, shape), [pictures, shape])
  const save = () => canvas.current?.toBlob((blob) => blob && saveBlob(blob, `${name}.png`), 'image/png')
  return (
    <Card
      className="lg:w-[26rem] lg:shrink-0"
      title="The picture"
      note={
        whole
          ? `${countOf(pictures.length, 'tile')}, ${shape.columns * shape.tileWidth} × ${shape.rows * shape.tileHeight} pixels`
          : `${pictures.length} of ${countOf(tiles, 'tile')} are here`
      }
      actions={
        <Button size="small" icon={<Download size={15} aria-hidden="true" />} onClick={save}>
          Save as PNG
        </Button>
      }
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={`The picture made of ${pictures.length} of ${tiles} tiles`}
        className="block max-h-[70vh] w-full rounded-xl border border-line bg-sunken object-contain"
      />
    </Card>
  )
}

function draw(
  canvas: HTMLCanvasElement,
  pictures: readonly Picture[],
  { rows, columns, tileWidth, tileHeight }: MosaicShape,
): void {
  const [width, height] = [columns * tileWidth, rows * tileHeight]
  // Setting a size clears: only when it changes, or tiles would flicker.
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')
  for (const picture of pictures) {
    const place = placeOf(picture)
    if (!context || !place) continue
    context.putImageData(
      new ImageData(picture.rgba, picture.width, picture.height),
      place.column * tileWidth,
      place.row * tileHeight,
    )
  }
}
