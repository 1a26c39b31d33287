import { FileUp } from 'lucide-react'
import { useRef } from 'react'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { formatBytes } from '../../format/format.ts'
import { pickedFiles } from './dropped.ts'
import { findFile } from './shelf.ts'
import type { Draft } from './use-draft.ts'

interface FileFieldProps {
  readonly label: string
  readonly hint?: string
  readonly accept?: string
  readonly labelHidden?: boolean
  readonly draft: Draft
  readonly path: string
  readonly onPath: (path: string) => void
  readonly error: string | undefined
}

/** A file by its path below the job's folder; choosing one fills the path in. */
export function FileField({ label, hint, accept, labelHidden, draft, path, onPath, error }: FileFieldProps) {
  const picker = useRef<HTMLInputElement>(null)
  const found = findFile(draft.shelf, path)
  const pick = async (files: FileList | null) => {
    const [chosen] = pickedFiles(files)
    if (!chosen) return
    await draft.addFiles([chosen])
    onPath(chosen.path)
  }
  return (
    <div className="flex items-start gap-2">
      <div className="min-w-0 flex-1">
        <TextField
          label={label}
          {...(labelHidden && { labelHidden })}
          mono
          spellCheck={false}
          autoComplete="off"
          value={path}
          onChange={(event) => onPath(event.target.value)}
          hint={found ? `Chosen, ${formatBytes(found.size)}.` : hint}
          error={error}
        />
      </div>
      <Button
        aria-label={`Choose a file for ${label.toLowerCase()}`}
        icon={<FileUp size={16} aria-hidden="true" />}
        className={labelHidden ? undefined : 'mt-[1.625rem]'}
        onClick={() => picker.current?.click()}
      >
        <span className="max-sm:sr-only">Choose</span>
      </Button>
      <input
        ref={picker}
        type="file"
        hidden
        accept={accept}
        aria-label={`File for ${label.toLowerCase()}`}
        onChange={(event) => void pick(event.target.files).then(() => (event.target.value = ''))}
      />
    </div>
  )
}
