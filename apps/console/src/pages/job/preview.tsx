import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { decodeNetpbm, isNetpbm } from '../../images/netpbm.ts'
import { Failure, Loading, Notice } from '../../parts/notice.tsx'
import { useClient } from '../../session/session-context.tsx'
import { contentQuery } from './queries.ts'
import { kindOf, textOf } from './content-kind.ts'

/** Larger files are saved rather than shown. */
export const PREVIEW_BYTES = 32 * 1024 * 1024
const SHOWN_TEXT = 100_000

/** A file's content as a picture or as text; where it is neither, that is said. */
export function Preview({ path, digest }: { path: string; digest: string }) {
  const content = useQuery(contentQuery(useClient(), digest))
  if (content.isError) return <Failure error={content.error} retry={() => void content.refetch()} />
  if (!content.data) return <Loading lines={2} label={`Loading ${path}`} />
  const kind = kindOf(content.data)
  if (kind === 'picture') return <PicturePreview path={path} bytes={content.data} />
  if (kind === 'text') return <TextPreview path={path} text={textOf(content.data)} />
  return <Notice>This file is neither a picture nor text. Save it to open it elsewhere.</Notice>
}

function PicturePreview({ path, bytes }: { path: string; bytes: Uint8Array<ArrayBuffer> }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [size, setSize] = useState<string | undefined>(undefined)
  const [fault, setFault] = useState<unknown>(undefined)
  useEffect(() => {
    let left = false
    void bitmapOf(bytes).then(
      (bitmap) => {
        if (left || !canvas.current) return
        Object.assign(canvas.current, { width: bitmap.width, height: bitmap.height })
        canvas.current.getContext('2d')?.drawImage(bitmap, 0, 0)
        setSize(`${bitmap.width} × ${bitmap.height} pixels`)
        bitmap.close()
      },
      (thrown: unknown) => !left && setFault(thrown),
    )
    return () => {
      left = true
    }
  }, [bytes])
  if (fault !== undefined) return <Failure error={fault} />
  return (
    <figure className="my-2">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Picture ${path}`}
        className="max-h-96 max-w-full rounded-lg border border-line bg-sunken object-contain"
      />
      {size && <figcaption className="figures mt-1 text-xs text-faint">{size}</figcaption>}
    </figure>
  )
}

async function bitmapOf(bytes: Uint8Array<ArrayBuffer>): Promise<ImageBitmap> {
  if (!isNetpbm(bytes)) return createImageBitmap(new Blob([bytes]))
  const { width, height, rgba } = decodeNetpbm(bytes)
  return createImageBitmap(new ImageData(rgba, width, height))
}

function TextPreview({ path, text }: { path: string; text: string }) {
  return (
    <div className="my-2">
      <pre
        // Scrolls, so it must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        role="region"
        aria-label={`Text of ${path}`}
        className="max-h-80 overflow-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs leading-relaxed whitespace-pre-wrap"
      >
        {text.slice(0, SHOWN_TEXT)}
      </pre>
      {text.length > SHOWN_TEXT && (
        <p className="mt-1 text-xs text-faint">Only the beginning is shown. Save the file to read all of it.</p>
      )}
    </div>
  )
}
