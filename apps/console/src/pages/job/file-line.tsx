import { useMutation } from '@tanstack/react-query'
import { Download, Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'
import { formatBytes } from '../../format/format.ts'
import { IconButton } from '../../parts/button.tsx'
import { useSayFailure } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'
import { Preview, PREVIEW_BYTES } from './preview.tsx'
import { saveBlob } from './save.ts'

interface FileLineProps {
  readonly path: string
  readonly digest: string
  readonly size: number
  readonly openAtFirst?: boolean
}

/** One file of a result: look at it here, or save it. */
export function FileLine({ path, digest, size, openAtFirst = false }: FileLineProps) {
  const client = useClient()
  const sayFailure = useSayFailure()
  const [open, setOpen] = useState(openAtFirst)
  const save = useMutation({
    mutationFn: async () => (await client.raw('getBlob', { params: { digest } })).blob(),
    onSuccess: (blob) => saveBlob(blob, path.split('/').at(-1) || 'result'),
    onError: sayFailure,
  })
  const canShow = size > 0 && size <= PREVIEW_BYTES
  return (
    <div className="min-w-0">
      <div className="flex items-center gap-1">
        <code className="min-w-0 truncate font-mono text-[0.8125rem]" title={path}>
          {path}
        </code>
        <span className="figures ml-1 shrink-0 text-xs text-faint">{formatBytes(size)}</span>
        <span className="ml-1 flex shrink-0">
          {canShow && (
            <IconButton
              label={`${open ? 'Hide' : 'Show'} ${path}`}
              aria-expanded={open}
              className="size-8"
              onClick={() => setOpen(!open)}
            >
              {open ? <EyeOff size={15} aria-hidden="true" /> : <Eye size={15} aria-hidden="true" />}
            </IconButton>
          )}
          <IconButton label={`Save ${path}`} className="size-8" disabled={save.isPending} onClick={() => save.mutate()}>
            <Download size={15} aria-hidden="true" />
          </IconButton>
        </span>
      </div>
      {open && <Preview path={path} digest={digest} />}
    </div>
  )
}
