import { FolderOpen, FilePlus2, LoaderCircle, TriangleAlert, Check } from 'lucide-react'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { countOf, formatBytes } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { classes } from '../../parts/classes.ts'
import { useSay } from '../../parts/toasts.tsx'
import { documentOf, type FormDocument } from './form.ts'
import { droppedFiles, pickedFiles } from './dropped.ts'
import type { Chosen } from './shelf.ts'
import { type FileState, filesNeeded } from './submission.ts'
import type { Draft } from './use-draft.ts'

const SHOWN = 8

/** Where files come in: a whole job folder, or one by one. Only those that the job names are sent. */
export function FilesCard({ draft }: { draft: Draft }) {
  const say = useSay()
  const [over, setOver] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const take = async (chosen: readonly Chosen[]) => {
    const fault = await draft.addFiles(chosen)
    if (fault) say('bad', 'The job document among these files cannot be read', fault.text)
  }
  useDropAnywhere(setOver, take)
  return (
    <section aria-label="Files">
      <Card>
        <div
          className={classes(
            'rounded-xl border border-dashed px-4 py-5 text-center transition-colors',
            over ? 'border-accent bg-tint' : 'border-edge/60',
          )}
        >
          <p className="font-medium">Drop a job folder here</p>
          <p className="mx-auto mt-1 max-w-md text-sm text-soft">
            Its <code className="font-mono text-[0.8125rem]">job.yaml</code> fills the form. Only files that the job
            names leave this device.
          </p>
          <div className="mt-3 flex flex-wrap justify-center gap-2">
            <Button
              size="small"
              icon={<FolderOpen size={15} aria-hidden="true" />}
              onClick={() => folder.current?.click()}
            >
              Choose a folder
            </Button>
            <Button
              size="small"
              icon={<FilePlus2 size={15} aria-hidden="true" />}
              onClick={() => files.current?.click()}
            >
              Choose files
            </Button>
          </div>
          <input
            ref={files}
            type="file"
            multiple
            hidden
            aria-label="Files of the job"
            onChange={(event) => void take(pickedFiles(event.target.files)).then(() => (event.target.value = ''))}
          />
          <input
            ref={folder}
            type="file"
            multiple
            hidden
            webkitdirectory=""
            aria-label="Folder of the job"
            onChange={(event) => void take(pickedFiles(event.target.files)).then(() => (event.target.value = ''))}
          />
        </div>
        <Needed draft={draft} />
      </Card>
    </section>
  )
}

// Anywhere on the page: who misses the box would otherwise see the file instead of the form.
function useDropAnywhere(onOver: (over: boolean) => void, take: (chosen: readonly Chosen[]) => Promise<void>): void {
  const drop = useEffectEvent((event: DragEvent) => {
    event.preventDefault()
    onOver(false)
    if (event.dataTransfer) void droppedFiles(event.dataTransfer.items).then(take)
  })
  const over = useEffectEvent((event: DragEvent) => {
    event.preventDefault()
    onOver(true)
  })
  const leave = useEffectEvent((event: DragEvent) => event.relatedTarget === null && onOver(false))
  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    window.addEventListener('dragover', (event) => over(event), { signal })
    window.addEventListener('dragleave', (event) => leave(event), { signal })
    window.addEventListener('drop', (event) => drop(event), { signal })
    return () => stop.abort()
  }, [])
}

function Needed({ draft: { form, shelf, uploads, prepared } }: { draft: Draft }) {
  if (shelf.size === 0) return null
  const needed =
    prepared.status === 'faulty' && form.program === ''
      ? []
      : filesNeeded(documentOf(form) as unknown as FormDocument, shelf)
  const failed = needed.filter((file) => uploads.stateOf(file).status === 'failed')
  return (
    <div className="mt-4 text-sm">
      <div className="flex items-center justify-between gap-3">
        <p className="text-soft">
          {countOf(needed.length, 'file')} of {shelf.size} chosen {needed.length === 1 ? 'is' : 'are'} part of the job.
        </p>
        {failed.length > 0 && (
          <Button size="small" onClick={() => uploads.want(failed, 'retry failed')}>
            Try again
          </Button>
        )}
      </div>
      <ul className="mt-2 grid gap-x-6 gap-y-1 sm:grid-cols-2">
        {needed.slice(0, SHOWN).map((file) => (
          <li key={file.webkitRelativePath || file.name} className="flex min-w-0 items-center gap-2">
            <StateIcon state={uploads.stateOf(file)} />
            <span className="min-w-0 flex-1 truncate" title={file.name}>
              {file.name}
            </span>
            <span className="figures shrink-0 text-xs text-faint">{formatBytes(file.size)}</span>
          </li>
        ))}
        {needed.length > SHOWN && <li className="text-faint">and {countOf(needed.length - SHOWN, 'more', 'more')}</li>}
      </ul>
    </div>
  )
}

function StateIcon({ state }: { state: FileState }) {
  if (state.status === 'ready')
    return <Check size={15} role="img" aria-label="On the control plane" className="shrink-0 text-good" />
  if (state.status === 'failed')
    return (
      <TriangleAlert size={15} role="img" aria-label={`Not brought over: ${state.why}`} className="shrink-0 text-bad" />
    )
  return <LoaderCircle size={15} role="img" aria-label="On its way" className="shrink-0 animate-spin text-faint" />
}

declare module 'react' {
  interface InputHTMLAttributes<T> {
    /** Lets a file field take a folder; known to every browser, and not to React's types. */
    webkitdirectory?: string
  }
}
