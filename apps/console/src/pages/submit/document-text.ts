import { JobDocument } from '@fog/contract'
import { Errors } from 'typebox/value'
import { parseDocument, stringify } from 'yaml'
import { beyondForm, documentOf, type FormDocument, formOf, type JobForm } from './form.ts'

/** What is wrong with a document, and where: `resources.cores`, `each`, or '' for the whole. */
export interface Fault {
  readonly field: string
  readonly text: string
}

export type ReadDocument =
  | { readonly ok: true; readonly form: JobForm }
  | { readonly ok: false; readonly fault: Fault; readonly line: number | undefined }

/** The YAML of the document that a form stands for; the same form reads back from it. */
export function yamlOf(form: JobForm): string {
  return stringify(documentOf(form), { lineWidth: 0, flowCollectionPadding: true })
}

/** Reads YAML or JSON into a form, or says what is wrong with it and in which line. */
export function readDocument(text: string): ReadDocument {
  // Few aliases: a small document must not unfold into a large one.
  const parsed = parseDocument(text, { prettyErrors: true })
  const [error] = parsed.errors
  if (error) {
    const [sentence = ''] = error.message.split(' at line ')
    return { ok: false, fault: { field: '', text: `${sentence.replace(/[:.]$/, '')}.` }, line: error.linePos?.[0].line }
  }
  const value: unknown = toValue(parsed)
  if (value === undefined)
    return { ok: false, fault: { field: '', text: 'The document unfolds into too much.' }, line: undefined }
  const fault = faultsOf(value)[0] ?? beyondForm(value as JobDocument)
  if (!fault) return { ok: true, form: formOf(value as FormDocument) }
  const node = fault.field === '' ? undefined : parsed.getIn(fault.field.split('.'), true)
  const start = (node as { range?: [number, number, number] } | undefined)?.range?.[0]
  return { ok: false, fault, line: start === undefined ? undefined : text.slice(0, start).split('\n').length }
}

function toValue(parsed: ReturnType<typeof parseDocument>): unknown {
  try {
    return parsed.toJS({ maxAliasCount: 50 }) ?? null
  } catch {
    return undefined
  }
}

/** Everything that keeps a value from being a job document, one fault a field, in the order of the schema. */
export function faultsOf(value: unknown): Fault[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ field: '', text: 'A job document is a list of fields such as name and program.' }]
  }
  const faults = new Map<string, Fault>()
  for (const error of Errors(JobDocument, value)) {
    for (const fault of faultsIn(error as Finding)) if (!faults.has(fault.field)) faults.set(fault.field, fault)
  }
  // Found before any file is brought over or any price is asked for: either would show who is about to submit it.
  if ((value as { privacy?: unknown }).privacy === 'secret') faults.set('privacy', SECRET)
  return [...faults.values()]
}

const SECRET: Fault = {
  field: 'privacy',
  text: 'Secret jobs are submitted with the command line, fog --mixnet submit: a browser has no way into the mixnet.',
}

interface Finding {
  readonly keyword: string
  readonly instancePath: string
  readonly params: {
    readonly additionalProperties?: readonly string[]
    readonly requiredProperties?: readonly string[]
  }
}

function faultsIn({ keyword, instancePath, params }: Finding): Fault[] {
  const field = fieldOf(instancePath)
  if (keyword === 'required') {
    return (params.requiredProperties ?? []).map((name) => ({ field: joined(field, name), text: 'This is needed.' }))
  }
  if (keyword === 'additionalProperties') {
    return (params.additionalProperties ?? []).map((name) => unknownField(joined(field, name)))
  }
  // The validator refuses a field nobody knows at the field itself as well.
  if (keyword === 'boolean') return [unknownField(field)]
  return [{ field, text: wanted(field) }]
}

function unknownField(field: string): Fault {
  const parent = field.split('.')[0] ?? ''
  return { field, text: WANTS[`${parent}.*`] ?? `A job document has no field ${field}.` }
}

function joined(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`
}

// A choice is named as a whole: which of its branches was meant is not known.
function fieldOf(path: string): string {
  const parts = path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const [first = ''] = parts
  if (first === 'each' || first === 'verify' || first === 'budget' || first === 'args') return first
  return parts.length > 1 ? `${first}.${parts.slice(1).join('.')}` : first
}

/** What each field wants, in words for the person who filled it. */
const WANTS: Readonly<Record<string, string>> = {
  name: 'Give the job a name of 1 to 100 characters.',
  program: 'A program has a kind, which is wasm, and a file.',
  'program.kind': 'The kind of a program is wasm.',
  'program.file': 'Choose the program, a .wasm file.',
  each: 'Give a range of two whole numbers, at least one value, or a pattern for files.',
  args: 'At most 256 arguments of 4096 characters.',
  'env.*': 'A name has letters, digits and underscores, the first no digit.',
  'inputs.*': 'A task sees its inputs under /in, such as /in/palette.txt.',
  stdin: 'Choose a file.',
  'resources.cores': 'A number above 0, at most 1024.',
  'resources.memoryMiB': 'A whole number from 1 to 4096.',
  'resources.diskMiB': 'A whole number from 1 to 65536.',
  'resources.wallSeconds': 'A number above 0, at most 86400 (a day).',
  'resources.fuel': 'A whole number of at least 1.',
  'resources.outputMiB': 'A whole number from 1 to 4096.',
  tier: 'One of platinum, gold, silver and bronze.',
  privacy: 'One of public, private, confidential and secret.',
  routing: 'One of round_robin, least_loaded, affinity_based, proximity_based and privacy_aware.',
  budget: 'A number of tokens above 0, with at most six decimals.',
  verify: 'auto, none, or a quorum of 2 to 5.',
  retries: 'A whole number from 0 to 20.',
  'require.*': 'A label begins with a lower-case letter and has letters, digits, dots and dashes.',
}

function wanted(field: string): string {
  const [parent = ''] = field.split('.')
  return WANTS[field] ?? WANTS[`${parent}.*`] ?? WANTS[parent] ?? 'This is not what a job document has here.'
}
