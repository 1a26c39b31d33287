import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { useClient } from '../../session/session-context.tsx'
import { faultsOf, readDocument, type Fault, yamlOf } from './document-text.ts'
import { documentOf, EMPTY_FORM, type FormDocument, type JobForm } from './form.ts'
import { type Chosen, documentAmong, type Shelf, withFiles, withoutCommonFolder } from './shelf.ts'
import { filesNeeded, globFiles, prepare, type Prepared } from './submission.ts'
import { Uploads, type UploadStates } from './uploads.ts'

export interface TextFault extends Fault {
  readonly line: number | undefined
}

/** A job being written: form and text in step, the files it needs on their way. */
export interface Draft {
  readonly form: JobForm
  readonly text: string
  /** Why the text does not stand for a form; then the form keeps what it had. */
  readonly textFault: TextFault | undefined
  readonly shelf: Shelf
  readonly uploads: Uploads
  readonly prepared: Prepared
  /** How many of the chosen files the pattern means. */
  readonly matching: number
  readonly setForm: (change: (before: JobForm) => JobForm) => void
  readonly setText: (text: string) => void
  /** Takes files; a job document among them fills the form. Answers what went wrong with that. */
  readonly addFiles: (chosen: readonly Chosen[]) => Promise<TextFault | undefined>
}

interface Written {
  readonly form: JobForm
  readonly text: string
  readonly fault: TextFault | undefined
}

export function useDraft(): Draft {
  const client = useClient()
  const [uploads] = useState(() => new Uploads(client))
  const [shelf, setShelf] = useState<Shelf>(new Map())
  const [written, setWritten] = useState<Written>(() => ({
    form: EMPTY_FORM,
    text: yamlOf(EMPTY_FORM),
    fault: undefined,
  }))
  const states = useSyncExternalStore(uploads.subscribe, uploads.snapshot)

  const document = useMemo(() => documentOf(written.form), [written.form])
  const prepared = useMemo(() => preparedOf(document, shelf, states), [document, shelf, states])
  const matching = useMemo(() => countMatching(document, shelf), [document, shelf])
  useEffect(() => {
    if (faultsOf(document).length === 0) uploads.want(filesNeeded(document as unknown as FormDocument, shelf))
  }, [document, shelf, uploads])

  const setForm = useCallback((change: (before: JobForm) => JobForm) => {
    setWritten(({ form }) => {
      const next = change(form)
      return { form: next, text: yamlOf(next), fault: undefined }
    })
  }, [])
  const setText = useCallback((text: string) => setWritten(({ form }) => writtenFrom(text, form)), [])
  const addFiles = useCallback(async (chosen: readonly Chosen[]) => {
    const files = withoutCommonFolder(chosen)
    setShelf((before) => withFiles(before, files))
    const job = await documentAmong(files)?.text()
    if (job === undefined) return undefined
    setWritten(({ form }) => writtenFrom(job, form))
    return writtenFrom(job, EMPTY_FORM).fault
  }, [])
  const { form, text, fault: textFault } = written
  return { form, text, textFault, shelf, uploads, prepared, matching, setForm, setText, addFiles }
}

function writtenFrom(text: string, form: JobForm): Written {
  const read = readDocument(text)
  if (read.ok) return { form: read.form, text, fault: undefined }
  return { form, text, fault: { ...read.fault, line: read.line } }
}

function preparedOf(document: Record<string, unknown>, shelf: Shelf, { stateOf }: UploadStates): Prepared {
  const faults = faultsOf(document)
  if (faults.length > 0) return { status: 'faulty', faults }
  return prepare(document as unknown as FormDocument, shelf, stateOf)
}

function countMatching(document: Record<string, unknown>, shelf: Shelf): number {
  const each = document['each'] as { glob?: unknown } | undefined
  return typeof each?.glob === 'string' && each.glob !== '' ? globFiles({ each: { glob: each.glob } }, shelf).length : 0
}
