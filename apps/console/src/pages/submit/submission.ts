import { type JobSubmission, MAX_TASKS, type TaskSubmission } from '@fog/contract'
import type { Fault } from './document-text.ts'
import type { FormDocument } from './form.ts'
import { globMatcher } from './glob.ts'
import { baseName, findFile, type Shelf } from './shelf.ts'

/** How far a file is on its way to the control plane. */
export type FileState =
  | { readonly status: 'waiting' | 'hashing' | 'uploading' }
  | { readonly status: 'ready'; readonly digest: string }
  | { readonly status: 'failed'; readonly why: string }

export type Prepared =
  | { readonly status: 'ready'; readonly submission: JobSubmission }
  /** Everything is named; some files are still on their way. */
  | { readonly status: 'uploading'; readonly files: number; readonly ready: number }
  | { readonly status: 'faulty'; readonly faults: readonly Fault[] }

/** Every file a document needs, as far as they were chosen. */
export function filesNeeded(document: FormDocument, shelf: Shelf): File[] {
  const named = [
    document.program.file,
    ...Object.values(document.inputs ?? {}),
    ...(document.stdin ? [document.stdin] : []),
  ]
  const found = named.map((path) => findFile(shelf, path)).filter((file) => file !== undefined)
  return [...new Set([...found, ...globFiles(document, shelf).map(({ file }) => file)])]
}

/** The files that tasks are made of, in the order of their paths, as `fog submit` orders them. */
export function globFiles(
  document: Pick<FormDocument, 'each'>,
  shelf: Shelf,
): { readonly path: string; readonly file: File }[] {
  if (!document.each || !('glob' in document.each)) return []
  const matches = globMatcher(document.each.glob)
  const found = [...shelf].filter(([path]) => matches(path)).map(([path, file]) => ({ path, file }))
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Turns a document and its files into what is submitted, by the same rules as `fog submit`. Pure. */
export function prepare(document: FormDocument, shelf: Shelf, stateOf: (file: File) => FileState): Prepared {
  const faults = [...missingFiles(document, shelf), ...eachFaults(document, shelf)]
  const needed = filesNeeded(document, shelf)
  const states = needed.map(stateOf)
  for (const [place, state] of states.entries()) {
    if (state.status === 'failed')
      faults.push({ field: '', text: `${needed[place]!.name} could not be brought over. ${state.why}` })
  }
  if (faults.length > 0) return { status: 'faulty', faults }
  const ready = states.filter(({ status }) => status === 'ready').length
  if (ready < needed.length) return { status: 'uploading', files: needed.length, ready }
  return { status: 'ready', submission: submissionOf(document, shelf, stateOf) }
}

function missingFiles(document: FormDocument, shelf: Shelf): Fault[] {
  const named: [field: string, path: string][] = [
    ['program.file', document.program.file],
    ...Object.entries(document.inputs ?? {}).map(([path, file]): [string, string] => [`inputs.${path}`, file]),
    ...(document.stdin ? [['stdin', document.stdin] as [string, string]] : []),
  ]
  return named
    .filter(([, path]) => !findFile(shelf, path))
    .map(([field, path]) => ({ field, text: path === '' ? 'Choose a file.' : `Choose the file ${path}.` }))
}

function eachFaults(document: FormDocument, shelf: Shelf): Fault[] {
  const { each } = document
  if (!each) return []
  if ('range' in each) {
    const tasks = each.range[1] - each.range[0]
    if (tasks <= 0) return fault('The range is empty: its end must be above its beginning, and is not part of it.')
    return tasks > MAX_TASKS ? fault(`A job has at most ${MAX_TASKS} tasks, and this range makes ${tasks}.`) : []
  }
  if ('values' in each) return []
  const files = globFiles(document, shelf)
  if (files.length === 0) return fault(`None of the chosen files matches ${each.glob}.`)
  if (files.length > MAX_TASKS)
    return fault(`A job has at most ${MAX_TASKS} tasks, and this pattern makes ${files.length}.`)
  return repeatedName(document, files)
}

function fault(text: string): Fault[] {
  return [{ field: 'each', text }]
}

function repeatedName(document: FormDocument, files: readonly { readonly path: string }[]): Fault[] {
  const shared = new Set(Object.keys(document.inputs ?? {}))
  const taken = files.map(({ path }) => `/in/${baseName(path)}`).find((path) => shared.has(path))
  return taken
    ? [{ field: 'each', text: `${taken} is an input of every task already. Give that input another path.` }]
    : []
}

function submissionOf(document: FormDocument, shelf: Shelf, stateOf: (file: File) => FileState): JobSubmission {
  const { program, each: _each, inputs, stdin, ...common } = document
  const digestOf = (file: File) => {
    const state = stateOf(file)
    return state.status === 'ready' ? state.digest : ''
  }
  const digestAt = (path: string) => digestOf(findFile(shelf, path)!)
  return {
    ...common,
    program: { kind: program.kind, digest: digestAt(program.file) },
    ...(inputs && { inputs: Object.entries(inputs).map(([path, local]) => ({ path, digest: digestAt(local) })) }),
    ...(stdin && { stdin: digestAt(stdin) }),
    tasks: tasksOf(document, shelf, digestOf),
  }
}

function tasksOf(document: FormDocument, shelf: Shelf, digestOf: (file: File) => string): TaskSubmission[] {
  const { each } = document
  if (!each) return [{ item: '' }]
  if ('values' in each) return each.values.map((value) => ({ item: String(value) }))
  if ('range' in each) {
    const [from, to] = each.range
    return Array.from({ length: to - from }, (_, step) => ({ item: String(from + step) }))
  }
  return globFiles(document, shelf).map(({ path, file }) => {
    const item = `/in/${baseName(path)}`
    return { item, inputs: [{ path: item, digest: digestOf(file) }] }
  })
}
